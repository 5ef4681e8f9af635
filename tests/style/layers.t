#!/bin/sh
# The include arrows of the architecture: a folder sees itself and what is
# named beside it, nothing else of ours.
. "$TOP_SRCDIR/tests/lib/tap.sh"
cd "$TOP_SRCDIR" || exit 99
allow() {	# allow FOLDER SEEN...
	folder=$1
	seen=$(echo "$*" | tr ' ' '|')
	findings "$folder includes only $*" "$(
		grep -nE '^# *include *"[a-z]+/' "$folder"/*.[ch] |
		grep -vE "\"($seen)/")"
}
allow base
allow acme base
allow store base
allow hooks base
allow daemon acme store hooks base
tap_done
