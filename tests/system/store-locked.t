#!/bin/sh
# H4 and H5: somebody holds the inventory locked; it is of a newer release; it
# is a folder. The daemon stays up, says what is wrong, touches nothing, and
# goes on by itself.
top=$(cd "$(dirname "$0")/../.." && pwd)
. "$top/tests/lib/all.sh"
name=shop.example
command -v sqlite3 >/dev/null || {
	skip "a locked inventory" "needs sqlite3"
	tap_done
	exit
}
system_begin 7776000
{ conf_head; conf_nginx; conf_wish $name; } >"$conf"
db=$state/db/everleaf.db

status() { everleaf status; }
why() { everleaf why $name; }
says() {	# says WORDS COMMAND...
	local words
	words=$1
	shift
	"$@" 2>&1 | grep -qi -e "$words"
}
well() {
	everleaf --json status | jq -e '.total == 1 and .trouble == null'
}
lock() {
	spawn shell python3 -c '
import sqlite3, sys, time
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute("BEGIN IMMEDIATE")
open(sys.argv[2], "w").close()
time.sleep(300)' "$db" "$scene/locked"
	within 5 test -e "$scene/locked"
}
unlock() { stop shell KILL; }
# It does not say how it is, but it is there.
starts_anyhow() {
	up_or_gone() { ! alive everleafd || test -S "$run/everleaf.sock"; }
	everleafd_start
}
served_all_the_while() { [ "$(served_leaf $name)" = "$leaf" ]; }

system_open $name || bail "no beginning: $(everleafd_last)"
is "version 1 is served" within 60 serves $name 1
leaf=$(served_leaf $name)

is "a person's shell holds it locked" lock
is "a renewal is not taken" says "locked\|did not answer\|ending" renew $name
is "H4 status says that another program holds it" within 30 \
	says "another program" status
is "and whom to look for" says "fuser" status
is "so does why" says "another program" why
is "what is served is served" served_all_the_while
unlock
is "unlocked, it goes on by itself" within 40 well
renew $name
is "version 2 is served" within 60 serves $name 2
leaf=$(served_leaf $name)

is "it ends within 5 s" everleafd_stop
version() { sqlite3 "$db" "PRAGMA user_version$1"; }
schema=$(version)
version " = 99"
is "H5 of a newer release: it starts" starts_anyhow
is "status says so" within 20 says "newer release" status
is "and why" says "newer release" why
same "nothing was moved aside" "$(ls "$state"/db/*damaged* 2>/dev/null)" ""
is "what is served is served" served_all_the_while
is "it ends within 5 s" everleafd_stop
version " = $schema"
is "the release is back" everleafd_start
is "and all is well" within 20 well
is "and served" within 20 serves $name 2

is "it ends within 5 s" everleafd_stop
mv "$db" "$scene/kept"
mv "$db-wal" "$scene/kept-wal" 2>/dev/null
mkdir "$db"
is "a folder in its place: it starts" starts_anyhow
is "status says so" within 20 says "no regular file" status
# It looks again all the while: at once, that is.
kill -STOP "$(role_pid engine)"
rmdir "$db"
mv "$scene/kept-wal" "$db-wal" 2>/dev/null
mv "$scene/kept" "$db"
kill -CONT "$(role_pid engine)"
is "put back, it goes on by itself" within 60 well
same "nothing was ordered for all this" "$(pebble_issued)" 2
is "it ends within 5 s" everleafd_stop
system_end
