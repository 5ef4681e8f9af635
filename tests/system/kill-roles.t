#!/bin/sh
# Twenty SIGKILLs of random processes of ours at random moments of real
# issuances, from a CA that refuses every second nonce. After each: key and
# certificate match on disk, and a handshake succeeds, which it can't with a
# key that is another's. In the end: all is served, and the CA has made no
# more certificates than renewals were asked for. SEED=N repeats a run.
top=$(cd "$(dirname "$0")/../.." && pwd)
. "$top/tests/lib/all.sh"
kills=${KILLS:-20}
seed=${SEED:-$(od -An -N3 -tu4 /dev/urandom | tr -d ' ')}
names="a.example b.example c.example"
echo "# SEED=$seed"
system_begin 7776000 PEBBLE_WFE_NONCEREJECT=50
{
	conf_head
	conf_nginx
	for n in $names; do
		conf_wish "$n"
	done
} >"$conf"

# The same seed gives the same choices (the moments are the machine's).
random() {	# random BELOW: sets $pick
	seed=$(((seed * 1103515245 + 12345) % 2147483648))
	pick=$((seed / 65536 % $1))
}

restart_master() {
	local pid
	pid=$(pid_of everleafd)
	children=$(child_of "$pid")
	stop everleafd KILL 5 || return 1
	for c in $children; do
		within 10 gone_pid "$c" || return 1
	done
	everleafd_start
}

kill_one() {
	local pid
	random 5
	role=$(echo master keeper engine responder verifier |
		cut -d ' ' -f $((pick + 1)))
	if [ "$role" = master ]; then
		restart_master
	else
		pid=$(role_pid "$role")
		[ -z "$pid" ] || kill -KILL "$pid"
	fi
}

# Each accepted one is one intended renewal; an order that is already under
# way takes it over. While no engine is there nothing is accepted.
renew_some() {
	random 3
	name=$(echo $names | cut -d ' ' -f $((pick + 1)))
	renew "$name" 2>/dev/null &&
		asked=$((asked + 1))
}

all_match() {
	for n in $names; do
		pair_matches "$n" || return 1
	done
}
all_shake_hands() {
	for n in $names; do
		openssl s_client -connect "127.0.0.1:$tls_port" \
			-servername "$n" </dev/null 2>/dev/null |
			openssl x509 -noout -checkhost "$n" |
			grep -q 'does match' || return 1
	done
}
all_idle() {
	for n in $names; do
		[ "$(about "$n" .issuance.state)" = idle ] &&
			[ "$(about "$n" .state)" = served ] || return 1
	done
}
sum_of_versions() {
	local sum
	sum=0
	for n in $names; do
		sum=$((sum + $(about "$n" .newest.version)))
	done
	echo $sum
}

system_open $names || bail "no beginning: $(everleafd_last)"
asked=3
done=0
while [ $done -lt "$kills" ]; do
	renew_some
	random 15
	sleep "$(echo "$pick" | awk '{ print $1 / 10 }')"
	kill_one || break
	done=$((done + 1))
	all_match || { is "after kill $done ($role): pairs" all_match; break; }
	all_shake_hands ||
		{ is "after kill $done ($role): the wire" all_shake_hands; break; }
done
same "all kills were survived" $done "$kills"
is "in the end all is served" within 300 all_idle
is "proved by handshake" all_served $names
is "keys and certificates belong together" all_match
issued=$(pebble_issued)
echo "# renewals asked: $asked, certificates made: $issued"
is "at most one certificate for each renewal" test "$issued" -le "$asked"
same "none was made that the daemon does not know" "$(sum_of_versions)" \
	"$issued"
is "no file is left over" within 10 no_litter
is "it ends within 5 s" everleafd_stop
system_end
