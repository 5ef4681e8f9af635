#!/bin/sh
# In the middle of things: orders that the CA takes seconds for, and a reload
# that sleeps. SIGHUP with good and bad configurations, the death and the
# standstill of each process, SIGTERM: nothing is lost, no hook runs twice for
# one reload, nothing is ordered twice, and the end comes within 5 s.
top=$(cd "$(dirname "$0")/../.." && pwd)
. "$top/tests/lib/all.sh"
a=a.example
b=b.example
system_begin 7776000 PEBBLE_VA_NOSLEEP=0 PEBBLE_VA_SLEEPTIME=3
: >"$scene/runs"
chmod 666 "$scene/runs"
cat >"$scene/reload" <<EOF
#!/bin/sh
echo begin >>"$scene/runs"
[ ! -e "$scene/slow" ] || sleep 5
$nginx -e stderr -p $nginx_home -c $nginx_home/nginx.conf -s reload
echo end >>"$scene/runs"
EOF
chmod 755 "$scene/reload"
good() {	# good LEVEL
	echo "log-level = \"$1\""
	conf_head
	conf_nginx '' '' "{\"$scene/reload\"}"
	conf_wish $a
	conf_wish $b
}
good info >"$conf"

begun() { grep -c begin "$scene/runs"; }
begun_is() { [ "$(begun)" -ge "$1" ]; }
hup() { kill -HUP "$(role_pid master)"; }
logged() { grep -q "$1" "$scene/log/everleafd"; }
ordering() { [ "$(about "$1" .issuance.state)" = ordering ]; }
back() { [ -n "$(role_pid "$1")" ] && [ "$(role_pid "$1")" != "$2" ]; }

system_open $a $b || bail "no beginning: $(everleafd_last)"
is "both are served" within 60 all_served $a $b
: >"$scene/slow"
version=1
issued=$(pebble_issued)

# A hook of A under way, an order for B at the CA.
both_are_under_way() {
	renew $a
	within 30 begun_is $((runs + 1)) || return 1
	renew $b
	within 5 ordering $b
}
middle() {
	version=$((version + 1))
	runs=$(begun)
	is "a hook and an order are under way" both_are_under_way
}
# Both done, by two reloads and two orders.
all_well() {	# all_well WHAT
	is "$1: A's version $version is served" within 90 serves $a $version
	is "$1: and B's" within 90 serves $b $version
	issued=$((issued + 2))
	same "$1: one order each" "$(pebble_issued)" $issued
	same "$1: one reload each" "$(begun)" $((runs + 2))
	is "$1: the pairs match" pair_matches $a
}

middle
engine=$(role_pid engine)
good debug >"$conf"
hup
is "SIGHUP: a new engine" within 15 back engine "$engine"
all_well "SIGHUP"

middle
engine=$(role_pid engine)
echo nonsense >>"$conf"
hup
is "a bad configuration is told" within 10 logged 'not reloaded'
same "and the engine stays" "$(role_pid engine)" "$engine"
all_well "a bad configuration"
good info >"$conf"

for role in engine keeper verifier responder; do
	middle
	old=$(role_pid $role)
	kill -KILL "$old"
	is "the $role dies, another comes" within 15 back $role "$old"
	all_well "death of the $role"
done

middle
is "SIGTERM: it ends within 5 s" everleafd_stop
rm "$scene/slow"
is "it starts again" everleafd_start
is "A's version $version is served" within 60 serves $a $version
is "and B's" within 60 serves $b $version
issued=$((issued + 2))
same "one order each" "$(pebble_issued)" $issued

# Whoever stands still, the end comes.
for role in responder keeper verifier engine; do
	within 10 back $role 0
	pid=$(role_pid $role)
	kill -STOP "$pid"
	is "the $role stands still: it ends within 5 s" everleafd_stop
	isnt "and is gone" alive_pid "$pid"
	is "it starts again" everleafd_start
done
# And at every moment of an order and an installation.
for t in 0.1 0.6 1.5 3.1 3.4 3.6 3.8 4.0 4.4; do
	renew $a
	sleep $t
	is "it ends within 5 s, $t s after a renewal was asked" everleafd_stop
	is "it starts again" everleafd_start
	is "the pair matches" pair_matches $a
done
is "all that was begun comes to its end" within 60 state_is $a served
is "and there is no file left over" within 20 no_litter
is "it ends within 5 s" everleafd_stop
system_end
