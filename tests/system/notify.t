#!/bin/sh
# What systemd hears: READY, RELOADING, STATUS, STOPPING, and a heart that
# beats as long as the engine gets on, no longer (K4). The master ends an
# engine that hangs.
top=$(cd "$(dirname "$0")/../.." && pwd)
. "$top/tests/lib/all.sh"
name=shop.example
watchdog=30	# seconds
system_begin 7776000
{ conf_head; conf_nginx; conf_wish $name; } >"$conf"

listen='
import os, socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
os.chmod(sys.argv[1], 0o666)
while True:
    for line in s.recv(4096).decode().splitlines():
        print(line, flush=True)'
spawn notify python3 -c "$listen" "$scene/notify"
within 10 test -S "$scene/notify" || bail "nobody listens"
export NOTIFY_SOCKET="$scene/notify" WATCHDOG_USEC=${watchdog}000000

heard() { grep -qx "$1" "$scene/log/notify"; }
count() { grep -cx "$1" "$scene/log/notify"; }
more() { [ "$(count "$1")" -gt "$2" ]; }
other_engine() {
	[ -n "$(role_pid engine)" ] && [ "$(role_pid engine)" != "$engine" ]
}

system_open $name || bail "no beginning: $(everleafd_last)"
is "READY=1" within 20 heard READY=1
is "with a word for people" within 5 heard 'STATUS=1 certificates configured'
is "the heart beats" within 15 heard WATCHDOG=1
before=$(count WATCHDOG=1)
is "and goes on beating" within 15 more WATCHDOG=1 "$before"
isnt "the roles do not have the socket" sh -c "tr '\\0' '\\n' \
	<'/proc/$(role_pid engine)/environ' | grep NOTIFY_SOCKET"

ready=$(count READY=1)
kill -HUP "$(role_pid master)"
is "SIGHUP: RELOADING=1" within 10 heard RELOADING=1
is "since when" within 5 heard 'MONOTONIC_USEC=[0-9]*'
is "then READY=1 again" within 20 more READY=1 "$ready"
echo 'nonsense' >>"$conf"
again=$(count RELOADING=1)
kill -HUP "$(role_pid master)"
sleep 1
same "a bad configuration is not taken, nor announced" \
	"$(count RELOADING=1)" "$again"

engine=$(role_pid engine)
kill -STOP "$engine"
sleep 11	# one may have been on its way
before=$(count WATCHDOG=1)
sleep 3
same "K4 the engine stands still, and so does the heart" \
	"$(count WATCHDOG=1)" "$before"
is "the master ends it, and starts another" within $watchdog other_engine
is "before systemd loses patience the heart beats again" \
	within 10 more WATCHDOG=1 "$before"
is "nothing is lost" within 30 serves $name 1
is "it ends within 5 s" everleafd_stop
is "STOPPING=1" within 5 heard STOPPING=1
system_end
