#!/bin/sh
# A child that closes its output and never ends.
exec sleep 20 >&-
