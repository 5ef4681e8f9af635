#!/bin/sh
# remove --purge: when the command ends the files are gone; the same name can
# come again at once; nothing of the old one is left, also after a SIGKILL.
top=$(cd "$(dirname "$0")/../.." && pwd)
. "$top/tests/lib/all.sh"
name=shop.example
system_begin 7776000

{ conf_head; conf_nginx; conf_wish first.example "{}"; } >"$conf"
folders() { find "$state/certs" -mindepth 2 -maxdepth 2 | wc -l; }
add() { everleaf add $name >/dev/null; }
gone() { [ ! -e "$live/$name" ] && [ ! -L "$live/$name" ] &&
	[ "$(folders)" = 1 ]; }
no_such() { [ "$(everleaf show $name >/dev/null 2>&1; echo $?)" = 3 ]; }

system_open first.example || bail "no beginning: $(everleafd_last)"
is "one that is not served by nginx is valid" within 40 \
	state_is first.example valid
is "another is added" add
is "its files are there" pair_matches $name
is "remove --purge" everleaf remove $name --purge
is "its files are gone when the command ends" gone
is "it is not known any more" no_such
is "it is added again" add
is "key and certificate belong together" pair_matches $name

# In the middle of things.
renew $name
is "remove --purge during an order" everleaf remove $name --purge
is "its files are gone" gone
everleaf add $name --no-wait >/dev/null
everleaf remove $name --purge >/dev/null 2>&1 &
asked=$!
kill -9 "$(role_pid engine)"
wait $asked
everleaf remove $name --purge >/dev/null 2>&1
is "the engine is killed: it goes on by itself" within 40 no_such
is "its files are gone, too" within 5 gone
is "no file is left over" no_litter
is "it ends within 5 s" everleafd_stop
system_end
