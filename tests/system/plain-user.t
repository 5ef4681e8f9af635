#!/bin/sh
# The same programs as a plain user: one user, nothing of root's needed, and
# said so. (The CA and its DNS are nobody's business here; they stay ours.)
top=$(cd "$(dirname "$0")/../.." && pwd)
. "$top/tests/lib/all.sh"
name=shop.example
system_begin 7776000
user=nobody
{ conf_head; conf_nginx; conf_wish $name; } >"$conf"
if [ "$(id -u)" -eq 0 ]; then
	mkdir -p "$state" "$run" "$nginx_home"
	chown -R $user "$state" "$run" "$nginx_home" "$scene/log"
	as="setpriv --reuid=$user --regid=nogroup --clear-groups"
else
	as=
fi
owned_by_us() { [ -z "$(find "$state" ! -user "$(owner)")" ]; }
owner() { [ -z "$as" ] && id -un || echo $user; }
security_says() { everleaf status --security | grep -qi "$1"; }
all_as_user() {
	for p in $(pid_of everleafd) $(child_of "$(pid_of everleafd)"); do
		[ "$(stat -c %U "/proc/$p")" = "$(owner)" ] ||
			[ "$(awk '/^Uid:/ { print $2 }' "/proc/$p/status")" = \
			"$(id -u "$(owner)")" ] || return 1
	done
}
start_nginx() {
	spawn nginx $as "$nginx" -e stderr -p "$nginx_home" \
		-c "$nginx_home/nginx.conf" -g 'daemon off;'
	within 10 port_used "$http_port"
}

nginx_conf "$run" "$live"
is "nginx starts" start_nginx
spawn everleafd $as "$prefix/sbin/everleafd" -c "$conf"
is "the daemon starts" within 20 everleaf status
is "there is a placeholder" within 20 test -s "$live/$name/fullchain.pem"
nginx_conf "$run" "$live" $name
is "nginx takes it" $as "$nginx" -e stderr -p "$nginx_home" \
	-c "$nginx_home/nginx.conf" -s reload
is "version 1 is served" within 60 serves $name 1
is "all processes are the user's" all_as_user
is "all files are the user's" owned_by_us
is "status --security says that it is one user" security_says 'one.user'
is "key and certificate belong together" pair_matches $name
is "no file is left over" no_litter
is "it ends within 5 s" everleafd_stop
system_end
