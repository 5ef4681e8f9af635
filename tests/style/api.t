#!/bin/sh
# everleaf-api(7) and the code say the same: routes and their parameters, keys
# of wishes, status codes, events, and the members of what is answered.
. "$TOP_SRCDIR/tests/lib/tap.sh"
cd "$TOP_SRCDIR" || exit 99
page=doc/everleaf-api.7
work=$(mktemp -d) || exit 99
trap 'rm -rf "$work"' EXIT
# Both ways, and that something was found at all: KIND.code and KIND.page.
compare() {	# compare KIND LEAST
	local kind
	kind=$1
	sort -u -o "$work/$kind.code" "$work/$kind.code"
	sort -u -o "$work/$kind.page" "$work/$kind.page"
	findings "the code has $2 of these or more: $kind" "$([ "$(wc -l <"$work/$kind.code")" \
		-ge "$2" ] || cat "$work/$kind.code" - <<-END
		these are not $2
		END
	)"
	findings "every $kind is in everleaf-api(7)" \
		"$(comm -23 "$work/$kind.code" "$work/$kind.page")"
	findings "everleaf-api(7) has no $kind that is gone" \
		"$(comm -13 "$work/$kind.code" "$work/$kind.page")"
}
section() {	# section NAME: its lines
	awk -v name="$1" '/^\.Sh / { on = substr($0, 5) == name } on' "$page"
}

# --- routes -----------------------------------------------------------------
# A row of the table on a line, its texts put together as the compiler would.
awk '/^const struct api_route api_routes/ { on = 1; next }
	/^};/	{ on = 0 }
	on' daemon/api_routes.c | tr -d '\n\t' | sed 's/}, *{/\n/g' |
	sed 's|CERT|"/v1/certificates/*"|; s/"" *,/"-",/; s/" *"//g' |
	sed -n 's/^[ {]*"\([A-Z]*\)", "\([^"]*\)", "\([^"]*\)".*/\1 \2 \3/p' \
	>"$work/table"
sed 's/\([A-Z]* [^ ]*\) .*/\1/' "$work/table" >"$work/route.code"
awk '{ for (i = 3; i <= NF; i++) if ($i != "-") print $1, $2, $i }' \
	"$work/table" >"$work/parameter.code"
# In the page .It Ic METHOD PATH, and .It Cm for the parameters below it.
section ROUTES | awk -v work="$work" '
	/^\.It Ic /	{ gsub(/\/[A-Z]+/, "/*"); route = $3 " " $4
			  print route >(work "/route.page") }
	/^\.It Cm /	{ print route, $3 >(work "/parameter.page") }'
compare route 20
compare parameter 25

# --- wishes -----------------------------------------------------------------
awk '/^static const struct key keys/ { on = 1; next } /^};/ { on = 0 } on' \
	daemon/wish_json.c | tr -d '\n\t' |
	grep -oE 'KEY\(K_[A-Z]+, [a-z_]+|\{ "[a-z_]+", +K_' |
	sed 's/^KEY.*, //; s/.*"\(.*\)".*/\1/' >"$work/key.code"
echo labels >>"$work/key.code"
section WISHES | sed -n 's/^\.It Va //p' >"$work/key.page"
compare key 20

# --- status codes -----------------------------------------------------------
sed -n 's/^.X(\([A-Z_]*\), "\([a-z-]*\)".*/\1 \2/p' base/err_codes.h \
	>"$work/codes"
sed -n '/^api_status/,/^}/p' daemon/api_routes.c |
	grep -oE 'ERR_[A-Z_]+, [0-9]+' | sed 's/ERR_//; s/,//' |
	while read -r code status; do
		echo "$status $(sed -n "s/^$code //p" "$work/codes")"
	done >"$work/status.code"
section 'STATUS CODES AND ERRORS' | awk '
	/^\.It Li /	{ status = $3 }
	/^\.El/		{ status = "" }
	/^\.Cm / && status ~ /^[4-5]/ {
		for (i = 2; i <= NF; i++) if ($i ~ /^[a-z]/) print status, $i
	}' | grep -vxE '4(05|13) usage' >"$work/status.page"
compare status 10

# --- events -----------------------------------------------------------------
# Words with a dot that name no host and no file, and those without a dot that
# are told. The command (cli_*) only reads events.
ls daemon/*.c | grep -v '/cli_' | xargs cat | tr '\n' ' ' >"$work/all"
grep -l 'struct happening' daemon/*.c | xargs cat | tr '\n' ' ' >"$work/tell"
{
	grep -oE '"[a-z]+\.[a-z-]+"' "$work/all" | tr -d '"' |
		grep -vE '\.(com|d|example|goog|it|org|sh)$' |
		grep -vE '\.(conf|db|json|kek|last|sock)$'
	grep -oE '(event =|say\([a-z]+,) "[a-z-]+"' "$work/tell" |
		sed 's/.* "\(.*\)"/\1/'
} >"$work/event.code"
section EVENTS | sed -n 's/^\.It Sy //p' >"$work/event.page"
compare event 40

# --- members ----------------------------------------------------------------
# Each quoted word before a comma in the code of the views is a member, or one
# of its values; but three are only in rows.
cat daemon/view.c daemon/view_ca.c daemon/view_status.c |
	grep -oE '"[a-z][a-z0-9_]*"[,)]' | tr -d '",)' |
	grep -vxE 'again|eab|evidence' | sort -u >"$work/members"
grep '^\.' "$page" | grep -oE '[a-z][a-z0-9_-]*' | sort -u >"$work/words"
findings 'the code has members' \
	"$([ "$(wc -l <"$work/members")" -ge 100 ] || cat "$work/members")"
findings 'every member of an answer is in everleaf-api(7)' \
	"$(comm -23 "$work/members" "$work/words")"
tap_done
