#!/bin/sh
# Tables B and C: CAs whose JSON, meaning, headers and addresses are wrong.
# All rows at once, one CA each.
top=$(cd "$(dirname "$0")/../.." && pwd)
. "$top/tests/lib/all.sh"
hostile_begin b,c
hostile_wish b14 '"limited.b14.example"' limited.b14.example >>"$conf"
everleafd_start || bail "no daemon: $(everleafd_last)"
idle_kb=$(engine_peak_kb)

# These first: a second try is due a minute later.
findings <<'ROWS'
c6-minus|C6 Retry-After: -1|ca-limit|too many certificates
c6-zero|C6 Retry-After: 0|ca-limit|too many certificates
c6-seconds|C6 Retry-After of two hours|ca-limit|too many certificates
c6-years|C6 Retry-After of 31 years|ca-limit|too many certificates
c6-digits|C6 Retry-After of 22 digits|ca-limit|too many certificates
c6-date|C6 Retry-After in the year 9999|ca-limit|too many certificates
c6-past|C6 Retry-After in the past|ca-limit|too many certificates
c6-word|C6 Retry-After: abc|ca-limit|too many certificates
c6-two|C6 two Retry-After|ca-protocol|a header twice
limited.b14|B14 429 for one name|ca-limit|too many certificates
ROWS

# Seconds from the failure to the next try, within these bounds.
tries_in() {	# tries_in ROW LEAST MOST
	local s
	s=$(about "$1.example" '.issuance |
		(.next_try_at | fromdate) - (.last_try_at | fromdate)')
	echo "$s s"
	[ "$s" -ge "$2" ] && [ "$s" -le "$3" ]
}
while read -r row least most words; do
	is "C6 $words" tries_in "$row" "$least" "$most"
done <<'ROWS'
c6-minus 45 300 garbage: our own back-off
c6-zero 45 300 zero: our own back-off
c6-past 45 300 the past: our own back-off
c6-word 45 300 a word: our own back-off
c6-seconds 7199 7320 two hours: two hours
c6-years 604799 604920 31 years: a week
c6-digits 604799 604920 22 digits: a week
c6-date 604799 604920 the year 9999: a week
limited.b14 7199 7320 and for the name that it was said of
ROWS

is "a good CA's certificate is issued meanwhile" within 30 issued good

findings <<'ROWS'
b1-17|B1 depth 17|ca-protocol|nested too deeply
b1-2000|B1 depth 2000|ca-protocol|nested too deeply
b1-100000|B1 depth 100000, never closed|ca-protocol|nested too deeply
b2-long|B2 a MiB of empty objects|ca-protocol|longer than
b2-parts|B2 80000 empty objects|ca-protocol|too many parts
b3-twice|B3 status twice|ca-protocol|duplicate object key
b3-unknown|B3 unknown member|issued
b3-missing|B3 finalize is missing|ca-protocol|"finalize" is missing
b3-type|B3 object in place of a list|ca-protocol|"challenges" is no list
b3-null|B3 null|ca-protocol|"status" is missing
b3-number|B3 number in place of a text|ca-protocol|"status" is no text
b3-huge|B3 number beyond all bounds|ca-protocol|is not JSON
b3-digits|B3 number of 5000 digits|ca-protocol|is not JSON
b3-nul|B3 NUL in a text|ca-protocol|is not JSON
b3-utf8|B3 not UTF-8|ca-protocol|unable to decode byte 0xff
b3-endless-list|B3 list that never ends|ca-protocol|is not JSON
b4-word|B4 unknown status|ca-protocol|that RFC 8555 does not know
b4-back|B4 status goes backwards|ca-protocol|went backwards
b5|B5 the order expires soon|issued
b6-other|B6 authorization for another name|ca-protocol|was not ordered there
b6-more|B6 order with another name in it|ca-protocol|other names than were ordered
b6-wildcard|B6 wildcard that is none|ca-protocol|was not ordered there
b6-fewer|B6 order without names|ca-protocol|other names than were ordered
b7-authz|B7 5000 authorizations|ca-protocol|too long a list
b7-challenges|B7 1000 challenges|ca-protocol|too long a list
b7-same|B7 one authorization 900 times|issued
b8-none|B8 no challenge of ours|no-challenge|the CA offers sky-01
b8-blank|B8 http-01 with a blank|no-challenge|the CA offers http-01
b8-empty|B8 no challenge at all|no-challenge|the CA offers no challenge
b8-more|B8 unknown challenge beside a known one|issued
b9|B9 detail with ESC, CR, LF, %s and bidi|name-refused|no\x1b[2J\x0d\x0alog: root
b10-unknown|B10 unknown type|ca-refused|no paper
b10-web|B10 type that is no urn|ca-refused|web words
b10-missing|B10 no type|ca-refused|no type at all
b10-many|B10 3000 subproblems|caa|caa of x0
b11|B11 first certificate|issued
b12-closed|B12 account is deactivated|account-dead|closed
b12-revoked|B12 account is revoked|account-dead|account is revoked
b12-unknown|B12 account does not exist|account-unknown|who?
b12-eab|B12 external account required|eab-needed|bind it
b12-terms|B12 user action required|tos-not-agreed|new terms
b14|B14 429 for another name|issued
b15-inverted|B15 window that ends before it begins|issued
b15-empty|B15 window without a width|issued
b15-never|B15 window in ten years|issued
b15-words|B15 window of words and numbers|issued
b15-past|B15 window that is over|issued
b16-gone|B16 directory without newOrder|ca-protocol|"newOrder" is missing
b16-meta|B16 meta is no object|ca-protocol|"meta" is no object
b16-elsewhere|B16 directory with an address elsewhere, once|issued
b17-nonce|B17 the same nonce for all|issued
b17-slow|B17 one request a second|issued
b18|B18 invalid after processing|ca-down|the signer is on fire
c1-directory|C1 http in the directory|ca-protocol|does not start with https://
c1-authz|C1 http for an authorization|ca-protocol|does not start with https://
c1-chain|C1 http for the certificate|ca-protocol|does not start with https://
c2-metadata|C2 169.254.169.254|ca-protocol|is not at the CA's own
c2-localhost|C2 localhost:6379|ca-protocol|is not at the CA's own
c2-canary|C2 another port|ca-protocol|is not at the CA's own
c2-user|C2 user name in the address|ca-protocol|has a user name in it
c2-dot|C2 dot behind the host|ca-protocol|has a host that is none
c2-challenge|C2 challenge elsewhere|ca-protocol|is not at the CA's own
c2-finalize|C2 finalize elsewhere|ca-protocol|is not at the CA's own
c2-chain|C2 certificate elsewhere|ca-protocol|is not at the CA's own
c2-idn|C2 a name that looks alike|ca-protocol|is not at the CA's own
c3-file|C3 file:|ca-protocol|does not start with https://
c3-gopher|C3 gopher:|ca-protocol|does not start with https://
c3-dict|C3 dict:|ca-protocol|does not start with https://
c3-slashes|C3 //host|ca-protocol|does not start with https://
c3-relative|C3 relative|ca-protocol|does not start with https://
c3-script|C3 javascript:|ca-protocol|does not start with https://
c3-long|C3 100 KB|ca-protocol|is too long
c3-blank|C3 blank in it|ca-protocol|a character that no address may have
c3-crlf|C3 CR and LF in it|ca-protocol|a character that no address may have
c3-nul|C3 NUL in it|ca-protocol|is not JSON
c3-fragment|C3 fragment|ca-protocol|a character that no address may have
c4|C4 500 alternates, elsewhere and malformed|issued
c5-order-missing|C5 order without an address|ca-protocol|did not say its address
c5-order-elsewhere|C5 order elsewhere|ca-protocol|is not at the CA's own
c5-account-missing|C5 account without an address|ca-protocol|did not say its address
c5-account-elsewhere|C5 account elsewhere|ca-protocol|is not at the CA's own
c7|C7 Date of 2001|issued
c8|C8 address of this very machine|ca-down|loopback or private address
ROWS

is "B11 the CA wants a renewal at once: replaces is said" \
	within 60 asked_at_least b11 replaces 1
is "B11 it is refused: asked for once more, without" \
	within 30 newest_is b11.example 2
for row in inverted empty never words; do
	is "B15 $row: the CA was asked" within 60 \
		asked_at_least b15-$row window 1
done
is "B15 a window that is over: renewed" within 60 newest_is b15-past.example 2
is "C4 at most ten alternates are looked at" test \
	"$(asked c4 alternate)" -ge 1 -a "$(asked c4 alternate)" -le 10
is "B5 what counts is the certificate's own end" \
	test "$(about b5.example .days_left)" -ge 89
printable() {	# no control characters, no bytes beyond ASCII
	everleaf why "$1.example" | LC_ALL=C tr -d '\n -~' | wc -c | grep -qx 0
}
is "B9 nothing of it reaches the terminal" printable b9
is "B9 it is cut" test "$(about b9.example .issuance.error.text | wc -c)" \
	-lt 1024
for row in inverted empty words; do
	same "B15 $row: no order comes of it" "$(asked b15-$row order)" 1
done
before_its_end() {	# before_its_end ROW: the next renewal
	about "$1.example" '(.issuance.next_renewal_at | fromdate) <
		(.newest.not_after | fromdate)' | grep -qx true
}
is "B15 in ten years: renewed before its end" before_its_end b15-never
is "B15 always over: a renewal at a time, some seconds apart" \
	asked_at_most b15-past order 30
is "B10 a CA that takes no reason: issued" within 30 issued b10-reason
everleaf revoke b10-reason.example --reason superseded --at-once --no-wait \
	>"$scene/revoke" 2>&1 || diag <"$scene/revoke"
is "B10 it is revoked without one, under the same leave" \
	test "$(events_of b10-reason.example revoked)" = 1
same "B10 by a second request" "$(asked b10-reason revoke)" 2
same "B12 no second account, no other key" "$(asked b12-revoked account)" 1
is "B12 nor for one that the CA has forgotten, in a loop" \
	asked_at_most b12-unknown account 4
is "B13 24 hours of processing: it is under way" \
	within 20 asked_at_least b13 finalize 1
is "C2 nobody was led elsewhere" test "$(asked canary connections)" = 0
same "C8 not even a connection" "$(asked c8 connections)" 0
no_bad_requests
is "all that moved the engine's memory by less than 24 MiB" \
	test $(($(engine_peak_kb) - idle_kb)) -lt 24576
echo "$(($(engine_peak_kb) - idle_kb)) KiB, $(engine_cpu_ms) ms of CPU" | diag

is "it ends within 5 s" everleafd_stop
is "and starts again" everleafd_start
sleep 3
same "B13 the order in processing is kept, and not looked at too early" \
	"$(asked b13 order) $(asked b13 finalize)" "1 1"
is "B13 why says that it is under way" why_says b13 'under way'
is "the daemon is alive" alive everleafd
is "it ends within 5 s again" everleafd_stop
hostile_end
