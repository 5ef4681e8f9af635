#!/bin/sh
# H1 The inventory is damaged, foreign or gone: it is moved aside, and a new
# one is gathered from configuration and disk. What is valid is not ordered
# again, the account is kept, and a person is told.
top=$(cd "$(dirname "$0")/../.." && pwd)
. "$top/tests/lib/all.sh"
file=www.example
user=api.example
system_begin 7776000
{ conf_head; conf_nginx; conf_wish $file; } >"$conf"
db=$state/db/everleaf.db

key_id() { jq -r .kid "$state"/db/account-*.json; }
leaf_of() { leaf_sha <"$live/$1/cert.pem"; }
moved() { ls "$db".damaged-* 2>/dev/null | wc -l; }
status() { everleaf status; }
says() {	# says WORDS COMMAND...
	local words
	words=$1
	shift
	"$@" 2>&1 | grep -qi -e "$words"
}
starts() { everleafd_start && within 20 ready; }
ready() {
	everleaf --json status | jq -e '.total == 2 and .trouble == null'
}
all_as_before() {
	[ "$(leaf_of $file)" = "$leaf_file" ] &&
		[ "$(leaf_of $user)" = "$leaf_user" ] &&
		[ "$(served_leaf $file)" = "$leaf_file" ]
}
states_are() { state_is $file served && state_is $user served; }
damage() {	# damage NAME: as the row of H1 says
	case $1 in
	"truncated") truncate -s 20000 "$db" ;;
	"empty") : >"$db" ;;
	"a zeroed page") dd if=/dev/zero of="$db" bs=8192 seek=1 count=3 \
		conv=notrunc ;;
	"garbage") head -c 65536 /dev/urandom >"$db" ;;
	"of another program") rm "$db"
		sqlite3 "$db" 'CREATE TABLE t(x); INSERT INTO t VALUES(1)' ;;
	"gone") rm "$db" ;;
	"gone, its log left") rm "$db"; head -c 9000 /dev/urandom >"$db-wal" ;;
	esac >/dev/null 2>&1
}

system_open $file || bail "no beginning: $(everleafd_last)"
is "a wish is given at run time" everleaf add $user --service nginx --no-wait
within 20 test -s "$live/$user/fullchain.pem"
nginx_conf "$run" "$live" $file $user
nginx_again
is "both are served" within 60 all_served $file $user
kid=$(key_id)
is "the account lies beside the inventory as a file" test -n "$kid"
same "for its owner alone" "$(stat -c %a "$state"/db/account-*.json)" 600
isnt "and no key in the clear" grep -l 'PRIVATE' "$state"/db/account-*.json
leaf_file=$(leaf_of $file)
leaf_user=$(leaf_of $user)
id=$(about $file .id)
for how in truncated empty "a zeroed page" garbage "of another program" gone \
	"gone, its log left"; do
	is "$how: it ends" everleafd_stop
	damage "$how"
	before=$(moved)
	is "H1 $how: it starts" starts
	[ "$how" = gone ] || is "$how: what was there is kept" \
		test "$(moved)" -gt "$before"
	is "$how: both are there, and served" within 30 states_are
	is "$how: with the same certificates" all_as_before
	same "$how: and the same id" "$(about $file .id)" "$id"
	same "$how: nothing was ordered" "$(pebble_issued)" 2
	is "$how: status tells it" says 'taken up from' status
	is "$how: so does an event" says inventory.rebuilt \
		everleaf events --since 1h
	isnt "$how: and monitoring" everleaf status --check
done

# Under its feet: what it has written since may be lost, the rest not.
overwrite() { dd if=/dev/urandom of="$db" bs=8192 seek=1 count=6 conv=notrunc; }
is "H1 overwritten while it runs: damage" overwrite
kill -KILL "$(role_pid engine)"
is "the next engine finds it, and gathers" within 20 states_are
is "with the same certificates" all_as_before
same "nothing was ordered" "$(pebble_issued)" 2
rm -f "$db".damaged-*
isnt "what was looked at is told no more" says 'taken up from' status

# The key came back into the inventory: new files are made with it.
{ conf_head; conf_nginx; conf_wish $file; } |
	sed 's/^    services = "nginx"/&\n    group = "daemon"/' >"$conf"
mode_is() { [ "$(stat -Lc %a "$live/$1/privkey.pem")" = "$2" ]; }
is "another group is wished for" everleaf reload
is "new files with the old key" within 20 mode_is $file 640
is "of the same version" all_as_before
is "key and certificate belong together" pair_matches $file
is "an order after it is taken" renew $file
is "and served: version 2" within 60 serves $file 2
is "the other kind of wish, too" renew $user
is "version 2 of it" within 60 serves $user 2
same "by the same account" "$(key_id)" "$kid"
same "one order each" "$(pebble_issued)" 4
is "key and certificate belong together" pair_matches $file
is "no file is left over" no_litter
is "it ends within 5 s" everleafd_stop
system_end
