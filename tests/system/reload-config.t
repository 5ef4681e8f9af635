#!/bin/sh
# SIGHUP and `everleaf reload`, with orders in flight: a good configuration
# takes effect, a bad one changes nothing, a wish that is gone is retired. A
# drop-in that is bad at a start keeps its settings, too.
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
isnt_retired() {	# isnt_retired NAME: it is known, too
	about "$1" .state | grep -qvx 'retired\|null'
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
history() {	# history EVENT WORDS: how often
	everleaf --json events --since 1d | jq --arg e "$1" --arg w "$2" \
		'[.events[] | select(.event == $e and (.text | test($w)))] |
		length'
}
told() { [ "$(history "$@")" -gt 0 ]; }
told_twice() { [ "$(history "$@")" -eq 2 ]; }
why_not='everleaf.conf:[0-9]+: .*no such key "domains"'
is "not in the log alone" within 10 told config.refused "$why_not"
is "reload says so, exit 2" reload_refused
is "and so does the history" told_twice config.refused "$why_not"
is "which has what was loaded" told config.loaded \
	'^2 certificates in .*everleaf.conf$'
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

# The main file leans on the drop-in: a wish there has its policy from here.
{ base; echo 'certificate "two.example" { policy = "web" }'; } >"$conf"
dropin() {
	echo 'policy "web" { services = "nginx" ca = pebble }'
	conf_wish one.example
}
dropin >"$etc/conf.d/one.conf"
is "a drop-in is read" everleaf reload
break_dropin() { echo 'certificate "x' >>"$etc/conf.d/one.conf"; }
kept() {	# kept WHERE: its certificate goes on
	everleaf --json status | jq -e --arg where "$1" \
		'.config.problems[] | select((.where | contains($where))
		and .kept == 1)' >/dev/null
}
break_dropin
is "a bad drop-in hurts only itself" everleaf reload
is "and is told in the status" within 20 kept one.conf
is "and in the history" told config.loaded 'bad: .*one.conf:'
is "one is served all the while" state_is one.example served

# A start knows no more than a reload, unless somebody has kept it.
is "it ends within 5 s" everleafd_stop
isnt "-t tells of the bad drop-in" "$prefix/sbin/everleafd" -t -c "$conf"
is "it starts with the bad drop-in" everleafd_start
is "one goes on with its last good settings" within 20 kept one.conf
is "which is in the log" logged "one.conf:[0-9]*: 1 certificate of this \
file goes on with the last good settings"
is "it is served" within 20 state_is one.example served
is "a renewal is ordered" renew one.example
is "and installed: nobody has forgotten its name" \
	within 60 serves one.example 2
same "only root reads what is kept" \
	"$(stat -c '%a %u' "$state/conf.last")" "600 $(id -u)"
is "it ends again" everleafd_stop
truncate -s 100 "$state/conf.last"
isnt "half of what was kept is worth nothing" everleafd_start
is "and told" logged 'last good configuration .*damaged'
dropin >"$etc/conf.d/one.conf"
is "with good files it starts all the same" everleafd_start
break_dropin
is "a bad one comes while it does not run" everleafd_stop
is "and takes nothing away" everleafd_start
is "one is kept" within 20 kept one.conf
is "and served" within 20 state_is one.example served
dropin >"$etc/conf.d/one.conf"
is "put right, it is as it was" everleaf reload
isnt "and no longer told of" kept one.conf

# Many that vanish at once are more often an accident. (Nothing is ordered for
# them: nobody has accepted the terms.)
many() {	# many N
	with one.example two.example
	echo 'ca "none" { directory = "https://127.0.0.1:9/" agree-tos = no }'
	i=0
	while [ $i -lt "$1" ]; do
		echo "certificate \"m$i.example\" { ca = none }"
		i=$((i + 1))
	done
}
vanish() {	# vanish HOW-MANY COMMAND...: refused, exit 2, with the number
	number=$1
	shift
	everleaf "$@" >"$scene/said" 2>&1
	[ $? -eq 2 ] && grep -q "^$number certificates are no longer .*--yes" \
		"$scene/said" || { diag <"$scene/said"; return 1; }
}
rm "$etc/conf.d/one.conf"
many 20 >"$conf"
is "twenty more" everleaf reload
is "they are known" within 20 isnt_retired m19.example
many 10 >"$conf"
is "ten that vanish may" everleaf reload
is "they are retired" within 20 state_is m19.example retired
many 20 >"$conf"
is "they come back" everleaf reload
is "and are what they were" within 20 isnt_retired m19.example
many 9 >"$conf"
is "eleven may not" vanish "11 of 22" reload
is "config check says so, too" vanish "11 of 22" config check
is "and so does a dry run" vanish "11 of 22" reload --dry-run
is "they stay" isnt_retired m19.example
is "whoever means it says --yes" everleaf reload --yes
is "and they are retired" within 20 state_is m19.example retired
with one.example two.example >"$conf"
is "nine may" everleaf reload
many 120 >"$conf"
is "so many that their lines are cut" everleaf reload
is "are known" within 30 isnt_retired m119.example
with one.example two.example >"$conf"
is "that they may not vanish is told all the same" \
	vanish "120 of 122" reload
is "and what was left out" grep -q '^[.][.][.] and [0-9]* more lines$' \
	"$scene/said"
is "and so does the history" within 10 told config.refused \
	'^120 of 122 certificates are no longer .*--yes'
is "a dry run tells it, too" vanish "120 of 122" reload --dry-run
is "they may with --yes" everleaf reload --yes
is "all are gone" within 30 state_is m119.example retired

i=0
while [ $i -lt 20 ]; do
	hup
	i=$((i + 1))
done
is "twenty at once are no harm" within 20 state_is two.example served
is "to nobody" within 20 state_is one.example served
same "still nothing else was ordered" "$(pebble_issued)" 3
has() { [ "$(history "$1" .)" -eq "$2" ]; }	# has EVENT TIMES
is "a new engine is no new daemon" within 20 has daemon.started 4
is "each end of it is in the history" within 20 has daemon.ended 3
is "it ends within 5 s" everleafd_stop
system_end
