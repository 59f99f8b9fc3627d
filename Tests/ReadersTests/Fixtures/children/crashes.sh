#!/bin/sh
# A child that dies of a signal.
kill -SEGV $$
