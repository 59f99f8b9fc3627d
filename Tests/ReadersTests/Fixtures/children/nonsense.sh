#!/bin/sh
# A child that writes something else than a dump.
echo nonsense
