#!/bin/sh
# A CA that refuses a third of all nonces and forgets everything now and then:
# no order fails for it. What it has validated once it may remember
# (authorization reuse), or not.
top=$(cd "$(dirname "$0")/../.." && pwd)
. "$top/tests/lib/all.sh"
system_begin 7776000 PEBBLE_WFE_NONCEREJECT=30 PEBBLE_AUTHZREUSE=0
many="a b c d e f"
wish() {	# wish TITLE NAME...: nobody uses it
	printf '\ncertificate "%s" {\n    names = {' "$1"
	shift
	printf '"%s", ' "$@" | sed 's/, $//'
	printf '}\n}\n'
}
{
	echo "http-listen = \"127.0.0.1:$http_port\""
	conf_head
	for n in $many; do
		wish "$n" "$n.example" "www.$n.example"
	done
} >"$conf"
all_newest() {	# all_newest VERSION
	for n in $many; do
		newest_is "$n" "$1" || return 1
	done
}
failed() {	# how many orders have failed
	everleaf --json events --since 1d |
		jq -r 'select(.events) | .events[].event' |
		grep -cx order.failed
}
# A certificate takes one of each, when no nonce is refused.
asked() {
	grep -cE 'POST /(order-plz|finalize-order/|certZ/)' "$scene/log/pebble"
}

is "the daemon starts" everleafd_start
is "all are issued by a CA that refuses 30 of 100 nonces" within 50 \
	all_newest 1
same "no order failed" "$(failed)" 0
validated=$(pebble_validated)
same "every name was validated once" "$validated" 12
for n in $many; do
	renew $n
done
is "all are renewed" within 50 all_newest 2
# 0 of 100 is not quite never: one in a hundred is reused all the same.
more() { [ $(($(pebble_validated) - validated)) -ge "$1" ]; }
is "without reuse names are validated again" more 9
validated=$(pebble_validated)

# It comes back without a memory: the account has to be made again.
pebble_again PEBBLE_WFE_NONCEREJECT=30 PEBBLE_AUTHZREUSE=100 ||
	bail "Pebble does not start again"
began=$(date +%s)
for n in $many; do
	renew $n
done
is "a CA that has forgotten our account gets a new one" within 50 all_newest 3
is "without a pause" test "$(($(date +%s) - began))" -lt 30
is "as everything is forgotten, all is validated" more 9
validated=$(pebble_validated)
for n in $many; do
	renew $n
done
is "all are renewed with what was validated before" within 50 all_newest 4
same "nothing was validated again" "$(pebble_validated)" "$validated"
is "it did refuse some" test "$(asked)" -gt $((24 * 3 + 9))
same "no order failed at all" "$(failed)" 0
is "it ends within 5 s" everleafd_stop
system_end
