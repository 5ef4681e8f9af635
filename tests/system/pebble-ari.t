#!/bin/sh
# A CA that says when to renew (RFC 9773): a window that has passed renews at
# once and says what is replaced; one that lies ahead is kept; an answer that
# is none changes nothing.
top=$(cd "$(dirname "$0")/../.." && pwd)
. "$top/tests/lib/all.sh"
name=shop.example
system_begin 3600 PEBBLE_WFE_NONCEREJECT=0
if [ "$pebble_current" != yes ]; then
	skip "renewal windows" "needs a current Pebble"
	tap_done
	exit
fi
{
	echo "http-listen = \"127.0.0.1:$http_port\""
	conf_head
	conf_wish $name '{}'
} >"$conf"
next() { about $name '.issuance.next_renewal_at | fromdateiso8601'; }
reason() { about $name .issuance.reason; }
ahead() {	# ahead FROM TO: the renewal is so many seconds from now
	local at
	at=$(($(next) - $(date +%s)))
	[ "$at" -ge "$1" ] && [ "$at" -le "$2" ]
}
asked() { grep -c 'GET .*renewalInfo' "$scene/log/pebble"; }
asked_again() { [ "$(asked)" -gt "$1" ]; }
reason_is() { [ "$(reason)" = "$1" ]; }
asked_by_ca() {
	everleaf --json events $name --since 1d | jq -r '.events[] |
		select(.event == "renewal.asked") | .text' | grep -q between
}
orders() { grep -c 'POST /order-plz' "$scene/log/pebble"; }
# A new engine asks when it is time; the question is due at once now.
ask_now() {
	local n
	n=$(asked)
	everleafd_stop && sqlite3 "$state/db/everleaf.db" \
		'update job set due_ms = 0 where kind = 6' &&
		everleafd_start && within 20 asked_again "$n"
}


is "the daemon starts" everleafd_start
is "it is installed" within 30 state_is $name valid
same "before it has asked it goes by the lifetime" "$(reason)" lifetime

pebble_window $name 900 1500
is "it asks" ask_now
is "the window decides" within 10 reason_is ari
is "a time in it is picked" ahead 860 1500
first=$(next)
pebble_suggest $name '{"suggestedWindow": {"start": "soon"'
is "it asks again, and hears what is no JSON" ask_now
sleep 1
same "nothing changes" "$(reason) $(next)" "ari $first"
pebble_window $name 900 800
is "it hears of a window that ends before it begins" ask_now
sleep 1
same "nothing changes again" "$(reason) $(next)" "ari $first"

pebble_window $name 2000 2600
is "it hears of a later window" ask_now
is "the renewal moves there" within 10 ahead 1900 2600
same "it is a matter of the CA's" "$(reason)" ari
same "nothing was ordered for all that" "$(pebble_issued)" 1

pebble_window $name -1200 -600
is "it hears of a window that has passed" ask_now
is "it is renewed at once" within 20 newest_is $name 2
is "people can see why" asked_by_ca
same "one certificate more" "$(pebble_issued)" 2
is "the renewal after that goes by the lifetime again" ahead 1600 2000

# Only a CA that was told that version 1 is replaced refuses to hear it twice;
# then the order is made once more without saying so.
is "it ends" everleafd_stop
sqlite3 "$state/db/everleaf.db" 'update cert set newest = 1, ari_version = 1'
n=$(orders)
is "it starts, and believes that version 1 is its newest" everleafd_start
renew $name
is "it is renewed once more" within 20 newest_is $name 3
same "the CA knew that version 1 is replaced" "$(($(orders) - n))" 2
is "it ends within 5 s" everleafd_stop
system_end
