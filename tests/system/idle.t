#!/bin/sh
# Nothing to do costs nothing, also while an order waits for a CA that is down:
# no timer that fires again and again.
top=$(cd "$(dirname "$0")/../.." && pwd)
. "$top/tests/lib/all.sh"
name=shop.example
later=later.example
span=20	# seconds
system_begin 7776000
{
	conf_head
	conf_nginx
	conf_wish $name
	cat <<-EOT
	ca "down" {
	    directory = "https://127.0.0.1:$(free_port)/dir"
	    trust-file = "$ca_trust"
	}
	certificate "$later" {
	    names = {"$later"}
	    ca    = "down"
	}
	EOT
} >"$conf"

all_of_us() { echo "$(pid_of everleafd)"; child_of "$(pid_of everleafd)"; }
cpu_ms() {
	local pid
	for pid in $(all_of_us); do
		cat "/proc/$pid/stat"
	done | awk -v hz="$(getconf CLK_TCK)" '{ sub(/^.*\) /, "")
		sum += $12 + $13 } END { print int(sum * 1000 / hz) }'
}
wakings() {
	local pid
	for pid in $(all_of_us); do
		cat "/proc/$pid/status"
	done | awk '/^voluntary_ctxt/ { sum += $2 } END { print sum }'
}
waits() { [ "$(about $later .issuance.state)" = waiting ]; }

system_open $name || bail "no beginning: $(everleafd_last)"
is "an order waits for a CA that is down" within 30 waits
is "the other is served" within 60 served $name
sleep 5
cpu=$(cpu_ms)
woken=$(wakings)
sleep $span
cpu=$(($(cpu_ms) - cpu))
woken=$(($(wakings) - woken))
echo "in $span s: $cpu ms of CPU, woken $woken times" | diag
is "idle: less than 1 % of a CPU" test $cpu -lt $((span * 10))
is "idle: woken less than 4 times a second, all together" \
	test $woken -lt $((span * 4))
is "it ends within 5 s" everleafd_stop
system_end
