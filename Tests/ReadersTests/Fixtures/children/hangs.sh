#!/bin/sh
# A child that never ends.
exec sleep 20
