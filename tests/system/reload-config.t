#!/bin/sh
# SIGHUP and `everleaf reload`, with orders in flight: a good configuration
# takes effect, a bad one changes nothing, a wish that is gone is retired.
top=$(cd "$(dirname "$0")/../.." && pwd)
. "$top/tests/lib/all.sh"
system_begin 7776000 PEBBLE_VA_NOSLEEP=0 PEBBLE_VA_SLEEPTIME=4
base() { conf_head; conf_nginx; }
hup() { kill -HUP "$(pid_of everleafd)"; }
logged() { grep -q "$1" "$scene/log/everleafd"; }
with() {	# with NAME...
	base
	for n; do
		conf_wish "$n"
	done
}
reload_refused() { everleaf reload; [ $? -eq 2 ]; }

with one.example >"$conf"
system_open one.example || bail "no beginning: $(everleafd_last)"
engine=$(role_pid engine)
keeper=$(role_pid keeper)

# The order for one.example is on its way (the CA takes its time).
with one.example two.example >"$conf"
nginx_conf "$run" "$live" one.example
hup
is "the new wish gets its placeholder" within 20 \
	test -s "$live/two.example/fullchain.pem"
nginx_conf "$run" "$live" one.example two.example
nginx_again
is "a new engine has taken over" test "$(role_pid engine)" != "$engine"
same "the keeper has stayed" "$(role_pid keeper)" "$keeper"
is "the first is served" within 60 served one.example
is "and the second" within 60 served two.example
same "one certificate for each" "$(pebble_issued)" 2

engine=$(role_pid engine)
echo 'certificate "three.example" { domains = "x" }' >>"$conf"
hup
is "a bad file is told" within 10 logged 'no such key "domains"'
same "and changes nothing" "$(role_pid engine)" "$engine"
is "reload says so, exit 2" reload_refused
is "with file and line" sh -c "'$prefix/bin/everleaf' --socket \
	'$run/everleaf.sock' reload 2>&1 | grep -E 'everleaf.conf:[0-9]+: '"
is "both are still served" all_served one.example two.example

with two.example >"$conf"
is "a good file is taken" everleaf reload
is "what is gone is retired" within 20 state_is one.example retired
is "nothing of it is deleted" pair_matches one.example
is "it is still on the wire" test -n "$(served_leaf one.example)"
with one.example two.example >"$conf"
is "it may come back" everleaf reload
is "and is as it was" within 20 state_is one.example served

with two.example >"$conf"
with one.example >"$etc/conf.d/bad.conf"
echo 'certificate "x' >"$etc/conf.d/bad.conf"
conf_wish one.example >"$etc/conf.d/one.conf"
is "a bad drop-in hurts only itself" everleaf reload
is "and is told in the status" sh -c "'$prefix/bin/everleaf' --socket \
	'$run/everleaf.sock' status | grep 'bad.conf'"
is "one is served all the while" state_is one.example served

i=0
while [ $i -lt 20 ]; do
	hup
	i=$((i + 1))
done
is "twenty at once are no harm" within 20 all_served one.example two.example
same "still one certificate for each" "$(pebble_issued)" 2
is "it ends within 5 s" everleafd_stop
system_end
