#!/bin/sh
# The tree keeps its shape: no file over 1000 lines, no function over 100, no
# line over 80 columns in C, nothing left to do, no banned call.
. "$TOP_SRCDIR/tests/lib/tap.sh"
cd "$TOP_SRCDIR" || exit 99
product() { find base acme store hooks daemon -name '*.[ch]' | LC_ALL=C sort; }
# The tests too; tests/tmp is where they work.
all_c() {
	product
	find tests -path tests/tmp -prune -o -name '*.[ch]' -print |
		LC_ALL=C sort
}

findings 'no file over 1000 lines' "$(all_c | xargs wc -l |
	awk '$2 != "total" && $1 > 1000 { print $2 ": " $1 }')"
findings 'no function over 100 lines' "$(all_c | xargs awk '
	FNR == 1 { start = 0 }
	/^\{/ { start = FNR }
	/^\}/ { if (start && FNR - start > 100)
			print FILENAME ":" start ": " FNR - start
		start = 0 }')"
findings 'no line over 80 columns' "$(all_c | xargs awk '
	{ line = $0; col = 0
	  for (i = 1; i <= length(line); i++)
		col = substr(line, i, 1) == "\t" ? col + 8 - col % 8 : col + 1
	  if (col > 80) print FILENAME ":" FNR }')"
findings 'nothing left to do' "$(grep -rnE 'TODO|FIXME|XXX' \
	base acme store hooks daemon contrib doc README.md 2>/dev/null)"
findings 'no banned call' "$(product | xargs grep -nE \
	'(^|[^a-z_>.])(strcpy|strcat|sprintf|vsprintf|gets|strtok|atoi|atol|alloca|system|popen|tmpnam|mktemp|rand|srand)[[:space:]]*\(')"
findings 'libuv in one file' "$(grep -rlE 'include <uv\.h>' \
	base acme store hooks daemon | grep -v '^daemon/loop\.c$')"
tap_done
