#!/bin/sh
# The include arrows of the architecture: a folder sees itself and what is
# named beside it, nothing else of ours.
cd "$TOP_SRCDIR" || exit 99
n=0
allow() {	# allow FOLDER SEEN...
	folder=$1
	seen=$(echo "$*" | tr ' ' '|')
	n=$((n + 1))
	wrong=$(grep -nE '^# *include *"[a-z]+/' "$folder"/*.[ch] |
		grep -vE "\"($seen)/")
	if [ -z "$wrong" ]; then
		echo "ok $n - $folder includes only $*"
	else
		echo "not ok $n - $folder includes only $*"
		echo "$wrong" | sed 's/^/# /'
	fi
}
allow base
allow acme base
allow store base
allow hooks base
allow daemon acme store hooks base
echo "1..$n"
