#!/bin/sh
# A child that fails without a word.
exit 3
