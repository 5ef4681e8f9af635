#!/bin/sh
# Each child is killed while the daemon is idle, and again while an order is
# under way: a new one takes its place, the answer stays the same.
top=$(cd "$(dirname "$0")/../.." && pwd)
. "$top/tests/lib/all.sh"
name=shop.example
system_begin 7776000 PEBBLE_VA_NOSLEEP=0 PEBBLE_VA_SLEEPTIME=2
{ conf_head; conf_nginx; conf_wish $name; } >"$conf"
kill_role() { kill -KILL "$(role_pid "$1")"; }
back() {	# back ROLE PID: another one is there
	[ -n "$(role_pid "$1")" ] && [ "$(role_pid "$1")" != "$2" ]
}
master_is() { [ "$(role_pid master)" = "$1" ]; }

system_open $name || bail "no beginning: $(everleafd_last)"
is "version 1 is served" within 40 serves $name 1
master=$(role_pid master)
version=1
for role in keeper engine responder verifier; do
	old=$(role_pid $role)
	is "the $role is there" test -n "$old"
	kill_role $role
	is "killed, the $role comes back" within 20 back $role "$old"
	is "the daemon answers" within 20 everleaf status
	version=$((version + 1))
	is "a renewal is taken" renew $name
	sleep 0.7
	kill_role $role
	is "killed in an order, the order is not lost: version $version" \
		within 60 serves $name $version
	is "key and certificate belong together" pair_matches $name
done
same "the master is the same" "$(role_pid master)" "$master"
same "one certificate for each renewal" "$(pebble_issued)" $version
is "no file is left over" no_litter
is "it ends within 5 s" everleafd_stop
system_end
