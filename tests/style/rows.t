#!/bin/sh
# Every row of tests/style/rows has a test that is named by it: a cmocka name
# or function, a finding of a system test, the first line of a scenario.
cd "$TOP_SRCDIR/tests" || exit 99

# So that "A1" is not found in "A10", nor in the middle of a sentence:
# "A1 words" quoted, |A1 words| in a table, a1_words and x9_a1_words passed to
# cmocka, "# A1 words" on top of a scenario.
is_there() {	# is_there ROW
	local small
	small=$(echo "$1" | tr A-Z a-z)
	grep -qE "\"(.*, )?$1 [^\"]" unit/*.c fuzz/*.c ||
		grep -qE "\((.*_)?${small}_[a-z0-9_]+[,)]" unit/*.c ||
		grep -qE "([\"]|^[^ |]+[|])$1 [^\"|]" system/*.t ||
		head -qn 1 sim/scenarios/*.scn | grep -q "^# $1 "
}

n=0
say() {	# say NOT WORDS
	n=$((n + 1))
	echo "${1}ok $n - $2"
}

tab=$(printf '\t')
while IFS=$tab read -r row title what; do
	case $row in
	'#'* | '') ;;
	-*)
		row=${row#-}
		if is_there "$row"; then
			say "" "$row $title"
			echo "# $row has a test: take its \"-\" off"
		else
			say "" "$row $title # SKIP comes with ${what#| }"
		fi ;;
	*)
		if is_there "$row"; then
			say "" "$row $title"
		else
			say "not " "$row $title"
			echo "# no test is named \"$row ...\""
		fi ;;
	esac
done <style/rows
echo "1..$n"
