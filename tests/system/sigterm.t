#!/bin/sh
# SIGTERM ends everything within 5 s, whatever is going on, and what was going
# on goes on after the next start.
top=$(cd "$(dirname "$0")/../.." && pwd)
. "$top/tests/lib/all.sh"
name=shop.example
system_begin 7776000 PEBBLE_VA_NOSLEEP=0 PEBBLE_VA_SLEEPTIME=3
cat >"$scene/check" <<EOF
#!/bin/sh
[ ! -e "$scene/slow" ] || sleep 30
exec $nginx -e stderr -p $nginx_home -c $nginx_home/nginx.conf -q -t
EOF
chmod 755 "$scene/check"
{ conf_head; conf_nginx "{\"$scene/check\"}"; conf_wish $name; } >"$conf"
slow_check_runs() { pgrep_args 'sleep 30'; }
pgrep_args() {	# does a process with these arguments run?
	local f
	for f in /proc/[0-9]*/cmdline; do
		[ "$(tr '\0' ' ' <"$f" 2>/dev/null)" = "$1 " ] && return 0
	done
	return 1
}
ordering() { [ "$(about $name .issuance.state)" = ordering ]; }

kill -STOP "$(pid_of pebble)"
system_open $name || bail "no beginning: $(everleafd_last)"
is "an order is under way" within 20 ordering
kill -CONT "$(pid_of pebble)"
is "it ends within 5 s while ordering" everleafd_stop
is "it starts again" everleafd_start
is "the order goes on: version 1 is served" within 60 serves $name 1
same "and it was one order" "$(pebble_issued)" 1

is "it ends within 5 s while idle" everleafd_stop
is "it starts again" everleafd_start
is "it is served at once" within 10 serves $name 1

: >"$scene/slow"
renew $name
is "a hook is under way" within 40 slow_check_runs
is "it ends within 5 s while a hook runs" everleafd_stop
rm "$scene/slow"
is "it starts again" everleafd_start
is "the deployment goes on: version 2 is served" within 60 serves $name 2

stop pebble
renew $name
sleep 1
is "it ends within 5 s while the CA is down" everleafd_stop

kill_early() {
	everleafd_quick
	sleep "$1"
	everleafd_stop
}
everleafd_quick() {
	spawn everleafd "$prefix/sbin/everleafd" -c "$conf"
}
for t in 0 0.02 0.05 0.1 0.3; do
	is "it ends within 5 s, $t s after its start" kill_early $t
done
is "no file is left over" no_litter
is "key and certificate belong together" pair_matches $name
system_end
