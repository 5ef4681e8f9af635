#!/bin/sh
# everleaf(1) and the tables of the program say the same: every command, every
# option, every error code has its paragraph, and none is there that is gone.
# So do everleafd(8) and its options, and what programs are passed.
. "$TOP_SRCDIR/tests/lib/tap.sh"
cd "$TOP_SRCDIR" || exit 99
page=doc/everleaf.1
tables=$("$TOP_BUILDDIR/everleaf" __options) || exit 99
# What the page has, in the words of __options. Commands are .Ss of the section
# COMMANDS, their options .It Fl -NAME below; codes are .It Cm in ERROR CODES.
page_tables=$(awk '
	/^\.Sh /	{ section = $2; command = "-" }
	/^\.Ss / && section == "COMMANDS" {
		command = $2 ($3 ~ /^(check|show|list|dns|ca|rollover|deactivate|import|export)$/ ? " " $3 : "")
		print "command " command
	}
	/^\.It Fl / && (section == "DESCRIPTION" || section == "COMMANDS") {
		print "option " command " -" $3
	}
	/^\.It Cm / && section == "ERROR" { print "code " $3 }' "$page")

lacks() {	# lacks KIND A B: lines of KIND in A that B does not have
	echo "$2" | grep "^$1 " | while read -r line; do
		echo "$3" | grep -qxF -e "$line" || echo "$line"
	done
}
for kind in command option code; do
	findings "every $kind is in everleaf(1)" \
		"$(lacks $kind "$tables" "$page_tables")"
	findings "everleaf(1) has no $kind that is gone" \
		"$(lacks $kind "$page_tables" "$tables")"
done
findings 'every error code has words of its own' "$(awk '
	/^\.Sh /	{ on = $2 == "ERROR" }
	on && /^\.It Cm / { if (code != "" && words < 8) print code ": " words " words"
		code = $3; words = 0; next }
	on && !/^\./	{ words += NF }
	END { if (code != "" && words < 8) print code }' "$page")"
# What the master passes to programs, and what the section about them says.
conf=doc/everleaf.conf.5
passed=$(cat daemon/master_runs.c daemon/master_run_dns.c | tr '\n' ' ' |
	grep -oE 'program_env\(&?env, "[A-Z]+"' |
	sed 's/.*"\([A-Z]*\)"/variable EVERLEAF_\1/' | sort -u)
told=$(awk '/^\.Sh /	{ on = $2 == "PROGRAMS" } on' "$conf" |
	grep '^\.It Ev' | grep -o 'EVERLEAF_[A-Z]*' | sed 's/^/variable /' |
	sort -u)
findings 'there are variables for programs' \
	"$([ "$(echo "$passed" | wc -l)" -ge 12 ] || echo "$passed")"
findings 'every variable for programs is in everleaf.conf(5)' \
	"$(lacks variable "$passed" "$told")"
findings 'everleaf.conf(5) has no variable that is gone' \
	"$(lacks variable "$told" "$passed")"
# everleafd(8) and the options that everleafd takes.
taken=$({
	grep -o 'getopt_long(argc, argv, "[^"]*"' daemon/master_main.c |
		sed 's/.*"\(.*\)"/\1/; s/[+:]//g' | grep -o .
	awk '/struct option longs/ { on = 1 } on; /};/ { on = 0 }' \
		daemon/master_main.c | sed -n 's/.*{ "\([^"]*\)".*/-\1/p'
} | sed 's/^/option -/' | sort -u)
shown=$(sed -n 's/^\.It Fl \([^ ]*\).*/option -\1/p' doc/everleafd.8 | sort -u)
findings 'everleafd has options' \
	"$([ "$(echo "$taken" | wc -l)" -ge 5 ] || echo "$taken")"
findings 'every option is in everleafd(8)' "$(lacks option "$taken" "$shown")"
findings 'everleafd(8) has no option that is gone' \
	"$(lacks option "$shown" "$taken")"
if command -v mandoc >/dev/null; then
	findings 'mandoc has nothing to say' \
		"$(mandoc -T lint -W warning "$page" "$conf" \
		doc/everleafd.8 doc/everleaf-api.7 2>&1)"
else
	skip 'mandoc has nothing to say' 'no mandoc'
fi
tap_done
