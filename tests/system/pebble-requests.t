#!/bin/sh
# What a certificate costs the CA in requests, beside the least that RFC 8555
# can do with: an order; for each name its authorization and its challenge;
# one look whether the order is ready; the finalization; where that is not
# done at once, one look whether it is; the certificate.
top=$(cd "$(dirname "$0")/../.." && pwd)
. "$top/tests/lib/all.sh"
pebble_retry=3
system_begin 7776000 PEBBLE_WFE_NONCEREJECT=0
wish() {	# wish TITLE COUNT: so many names
	local i
	printf '\ncertificate "%s" {\n    names = {"%s.example"' "$1" "$1"
	i=1
	while [ $i -lt "$2" ]; do
		printf ', "n%s.%s.example"' $i "$1"
		i=$((i + 1))
	done
	printf '}\n}\n'
}
{
	echo "http-listen = \"127.0.0.1:$http_port\""
	conf_head
	wish one 1
	wish ten 10
} >"$conf"

# Those of the next order, by what they are for.
log_begin() { seen=$(wc -l <"$scene/log/pebble"); }
posts() {	# posts PATH
	tail -n "+$((seen + 1))" "$scene/log/pebble" |
		grep -c "/$1.* -> calling handler"
}
at_most() { [ "$1" -le "$2" ]; }
measure() {	# measure TITLE NAMES VERSION
	local all least part
	log_begin
	renew "$1" && within 40 newest_is "$1" "$3" || return 1
	all=$(posts '')
	least=$((5 + 2 * $2))
	echo "$2 names: $all requests, $least at least"
	for part in nonce-plz order-plz authZ chalZ finalize-order my-order \
	    certZ; do
		echo "  $part $(posts $part)"
	done
	requests=$all
}

is "the daemon starts" everleafd_start
for n in one ten; do
	is "$n is issued" within 40 newest_is $n 1
done
# A CA that gets no time to work is looked at too early: the best of three.
few() {	# few TITLE NAMES MOST
	local version
	for version in 2 3 4; do
		measure "$1" "$2" $version >"$scene/$1" || bail "not renewed"
		! at_most "$requests" "$3" || return 0
	done
	return 1
}
is "one name: at most one request more than the least" few one 1 8
diag <"$scene/one"
is "ten names: at most two requests more than the least" few ten 10 27
diag <"$scene/ten"
is "it ends within 5 s" everleafd_stop
system_end
