#!/bin/sh
# A10 20000 requests over connections of 1000 each: none is lost.
EVERLEAF_GOAWAY="3400 1000"
export EVERLEAF_GOAWAY
. "$(dirname "$0")/goaway.t"
