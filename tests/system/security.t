#!/bin/sh
# status --security tells of every process how it is confined, and what this
# kernel does not have.
top=$(cd "$(dirname "$0")/../.." && pwd)
. "$top/tests/lib/all.sh"
system_begin 7776000
conf_head >"$conf"
says() { everleaf status --security | grep -qx "$1"; }
all() {	# all MEASURE: each of the four says it
	local r
	for r in keeper engine responder verifier; do
		says "$r: $1" || return 1
	done
}
uids() { everleaf status --security | sed -n 's/^[a-z]*: user: //p' | sort -u; }

everleafd_start || bail "no beginning: $(everleafd_last)"
is "each of the four has a user" within 20 all 'user: .*'
is "and no capabilities" all 'capabilities: none'
is "and gains no privileges" all 'new privileges: none'
is "and dumps no core" all 'core dumps: off.*'
is "and says which landlock" all 'landlock: .*'
is "and which seccomp" all 'seccomp: .*'
is "the responder says what it can see" \
	within 20 says 'responder: root directory: .*'
is "the keeper says whether its memory is locked" \
	within 20 says 'keeper: memory: .*'
is "the verifier says how its children are" \
	within 20 says 'verifier: each look: .*'
is "the master says that it is not confined, and why" \
	within 20 says 'master: confinement: none, since .*'
if [ "$(id -u)" -eq 0 ] && private_users; then
	same "with users of their own there are five" "$(uids | wc -l)" 5
	is "and the responder sees nothing" \
		within 20 says 'responder: root directory: empty'
	is "status says so" says 'mode: separate-users'
fi
old=$(role_pid responder)
kill -KILL "$old"
again() { [ "$(role_pid responder)" != "$old" ] &&
	says 'responder: landlock: .*'; }
is "a new responder tells it again" within 20 again
is "the API has the same lines" sh -c "'$prefix/bin/everleaf' --json \
	--socket '$run/everleaf.sock' status --security |
	jq -e '.security | length > 20'"
is "it ends within 5 s" everleafd_stop
system_end
