#!/bin/bash
# The master alone, with stubs for the four programs that it starts: installs,
# flips, hooks, reloads, deaths, the lock, the end.
. "$TOP_SRCDIR/tests/lib/tap.sh"

box=$(mktemp -d "${TMPDIR:-/tmp}/everleaf-master.XXXXXX") || exit 99
pid=
finish() {
	[ -z "$pid" ] || kill -9 "$pid" 2>/dev/null
	rm -rf "$box"
}
trap finish EXIT
chmod 755 "$box"
mkdir "$box/bin"
cp "$TOP_BUILDDIR/everleafd" "$box/bin/"
for role in keeper engine responder verifier; do
	cp "$TOP_BUILDDIR/tests/system/stub" "$box/bin/everleaf-$role" ||
		bail "the stub is not built"
done
state=$box/state
log=$box/log
live=$state/live/shop.example

conf() {	# conf [MORE]
	cat >"$box/everleaf.conf" <<-CONF
	agree-tos = true
	state-dir = "$state"
	run-dir   = "$box/run"
	api-group = ""

	service "web" {
	    check     = {"/bin/sh", "-c", "cat; echo \$EVERLEAF_NAME \$EVERLEAF_DIR >> $box/checked"}
	    reload    = {"/bin/sh", "-c", "exit 3"}
	    endpoints = {}
	}
	service "slow" {
	    check     = {"/bin/sleep", "1"}
	    endpoints = {}
	}
	certificate "shop.example" { services = "web" }
	$1
	CONF
}

wait_for() {	# wait_for PATTERN FILE [COUNT]
	local i
	for i in $(seq 100); do
		[ "$(cat "$2" 2>/dev/null | grep -c -- "$1")" -ge "${3:-1}" ] &&
			return
		sleep 0.1
	done
	echo "no $1 in $2:"
	tail -n 20 "$2" "$log"
	return 1
}

# K7: no standard descriptors but one, others inherited, the worst umask.
start() {
	touch "$log"
	(
		umask 000
		SECRET_OF_OURS=1 exec "$box/bin/everleafd" -d \
			-c "$box/everleaf.conf" 2>>"$log" <&- >&- 9</dev/null
	) &
	pid=$!
}

child() {	# child ROLE: its number
	local c
	for c in $(cat "/proc/$pid/task/$pid/children"); do
		tr '\0' '\n' <"/proc/$c/cmdline" | head -n 1 |
			grep -q -- "-$1\$" && echo "$c"
	done
}

script() { cat >"$state/db/script"; }

ended() {	# ended SECONDS: it ended by itself in that time
	local i
	for i in $(seq $(($1 * 10))); do
		kill -0 "$pid" 2>/dev/null || { wait "$pid"; return; }
		sleep 0.1
	done
	return 1
}

# --- requests ---------------------------------------------------------------
conf
mkdir -p "$state/db"
script <<'EOS'
install 1 1 1 shop.example 1 LEAF1
live 1
install 1 2 2 shop.example 1 BADLEAF
live 1
install 1 2 2 shop.example 1 LEAF2
flip 1 1
prune 1 1
flip 1 2
prune 1 1
install 2 1 1 nobody.example 1 LEAF
run 100 web 1 1 shop.example
run 100 web 1 1 shop.example
run 101 web 2 1 shop.example
run 102 nope 1 1 shop.example
reload 1 0
run 103 slow 1 0 x.example&
install 1 3 3 shop.example 1 LEAF3
live 1
install 1 4 4 shop.example 1 KEYLESS
live 1
EOS
start
is 'the engine starts and does its script' wait_for '^0 end' "$state/db/log"
same 'every answer is the right one' "$(cat "$state/db/log")" "0 started  0 0
1 ok  0 0
2 live  1 0
3 failed verify-failed 0 0
4 live  1 0
5 ok  0 0
6 ok  0 0
7 failed invalid 0 0
8 ok  0 0
9 ok  0 0
10 failed no-such 0 0
11 ran  1 0
12 ran  1 0
13 ran  1 3
14 ran no-such 4 0
15 reloaded  1 0
16 ran  1 0
17 ok  0 0
18 live  3 0
19 failed install-failed 0 0
20 live  3 0
0 end  0 0"
same 'a run that is asked twice runs once' \
	"$(cat "$box/checked")" "shop.example $live"
is 'its input reaches the program' grep -q 'output {"x": 1}' "$log"
same "people's path shows the new files" "$(cat "$live/combined.pem")" \
	"KEY
LEAF3"
same 'the key is for its owner only' "$(stat -c %a "$live/privkey.pem")" 600
same 'others may pass' "$(stat -c %a "$state" "$state/certs" | uniq)" 711
same 'the store is not open to others' "$(stat -c %a "$state/db")" 700
same 'the key of keys is 32 bytes of its owner' \
	"$(stat -c '%a %s' "$state/kek")" '600 32'
same 'the API is for the owner without a group' \
	"$(stat -c %a "$box/run/everleaf.sock")" 600
same 'anybody may ask for http-01' "$(stat -c %a "$box/run/http.sock")" 666
same 'and for tls-alpn-01' "$(stat -c %a "$box/run/alpn.sock")" 666
is 'the responder gets its sockets' grep -q 'stub: -responder 1 1' "$log"

# --- G8, reload, K6 -----------------------------------------------------------
"$box/bin/everleafd" -c "$box/everleaf.conf" >"$box/second" 2>&1
same 'G8 a second daemon ends with 75' $? 75
is 'G8 it names the first' grep -q "process $pid " "$box/second"
conf 'nonsense'
kill -HUP "$pid"
is 'K6 a broken configuration is refused' wait_for 'not reloaded' "$log"
same 'K6 the engine stays' "$(grep -c started "$state/db/log")" 1
conf 'certificate "more.example" { services = {} }'
for i in 1 2 3 4 5; do kill -HUP "$pid"; done
is 'K6 a good one starts a new engine' wait_for 'started' "$state/db/log" 2
is 'the old engine was drained first' grep -q drained "$state/db/log"
is 'the reload is reported' wait_for 'configuration reloaded' "$log"
settled() {	# signals that came meanwhile make one more engine
	local before i
	for i in 1 2 3 4 5; do
		before=$(grep -c started "$state/db/log")
		sleep 2
		[ "$(grep -c started "$state/db/log")" -ne "$before" ] ||
			return 0
	done
	return 1
}
is 'five signals at once come to an end' settled

# --- webroots, E5 -------------------------------------------------------------
www=$box/www
token=DGyRejmCefe7v4NfDGDKfA_-0123
file=$www/.well-known/acme-challenge/$token
mkdir "$www" "$box/other" "$box/linked"
ln -s "$box/other" "$box/linked/.well-known"
[ "$(id -u)" -ne 0 ] || chown 64123:64124 "$www"
owner=$(stat -c %u:%g "$www")
more='certificate "more.example" { services = {} }'
conf "$more
	policy \"default\" { webroot = {\"$www\", \"$box/linked\"} }"
printf 'webroot 0 %s %s\n' $token "$www" $token "$www" \
	$token "$box/linked" $token "$box/other" $token / | script
kill -HUP "$pid"
is 'E5 tokens are asked for' wait_for '^5 failed' "$state/db/log"
same 'E5 only where our own configuration says, and never along a link' \
	"$(tail -n 6 "$state/db/log" | grep '^[1-5]' | cut -d ' ' -f 1-3)" \
	"1 ok 
2 ok 
3 failed webroot
4 failed invalid
5 failed invalid"
same 'E5 it belongs to the owner of its directory' \
	"$(stat -c '%u:%g %a' "$file")" "$owner 644"
same 'E5 nothing came to where the link leads' "$(ls -A "$box/other")" ""
conf "$more"
printf 'webroot 1 %s %s\n' $token "$www" $token "$box/other" \
	$token "$box/linked" | script
kill -HUP "$pid"
is 'it is taken away after its webroot went from the configuration' \
	wait_for '^3 ok' "$state/db/log"
same 'with the directories that were made for it' "$(ls -A "$www")" ""
same 'nothing is noted any more' "$(ls -A "$state/webroot")" ""

# --- deaths -------------------------------------------------------------------
wait_for 'configuration reloaded' "$log" 1
sleep 0.5
kill -9 "$(child keeper)"
is 'K3 a new keeper, and the engine hears of it' \
	wait_for 'peer  1 1' "$state/db/log"
kill -9 "$(child responder)"
is 'K3 a new responder, and the engine hears of it' \
	wait_for 'peer  2 1' "$state/db/log"
began=$(grep -c started "$state/db/log")
echo rubbish | script
kill -9 "$(child engine)"
is 'a malformed message ends its sender' wait_for 'broke the rules' "$log"
is 'which is started again' wait_for started "$state/db/log" $((began + 2))
began=$(grep -c started "$state/db/log")
echo 'install 2 1 666 more.example 1 LEAF' | script
kill -9 "$(child engine)"
is 'a keeper that opens another key installs nothing' \
	wait_for 'failed keeper' "$state/db/log"
is 'and is ended' wait_for 'opened another key' "$log"

# --- the end ------------------------------------------------------------------
kill -TERM "$pid"
ended 5
verdict $? 'K5 TERM ends everything within 5 s'
pid=
isnt 'no socket is left' test -e "$box/run/everleaf.sock"
touch "$state/db/everleaf.db"
rm "$state/kek"
"$box/bin/everleafd" -c "$box/everleaf.conf" >"$box/second" 2>&1
same 'a store without its key of keys is refused' $? 1
is 'and the file is named' grep -q "$state/kek is missing" "$box/second"
isnt 'no new one is made' test -e "$state/kek"
tap_done
