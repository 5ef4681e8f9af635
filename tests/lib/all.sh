# Everything a system test wants. $top is the source tree; set it first.
. "$top/tests/lib/tap.sh"
. "$top/tests/lib/scene.sh"
. "$top/tests/lib/packages.sh"
. "$top/tests/lib/build.sh"
. "$top/tests/lib/pebble.sh"
. "$top/tests/lib/nginx.sh"
. "$top/tests/lib/dns.sh"
. "$top/tests/lib/everleaf.sh"
. "$top/tests/lib/hostile.sh"
. "$top/tests/lib/token.sh"

# A scene with CA, DNS and the programs at hand; tests/run has built them.
system_begin() {	# system_begin LIFETIME [NAME=VALUE of Pebble]...
	scene_begin
	work_find
	prefix=${EVERLEAF_PREFIX:-$work/inst}
	[ -x "$prefix/sbin/everleafd" ] || bail "nothing is installed in" \
		"$prefix: tests/run system builds first"
	nginx_get "$work" || bail "no nginx"
	pebble_get "$work" || bail "no Pebble"
	pebble_start "$@" || bail "Pebble does not start:" \
		"$(tail -n 3 "$scene/log/pebble")"
	everleaf_paths
}

# The usual opening: nginx on HTTP, the daemon, its placeholders, nginx with
# TLS. Configuration is written by the caller before. A server that is not
# there in time would cost the first order its validation.
system_open() {	# system_open NAME...
	local name
	nginx_conf "$run" "$live"
	nginx_start || return 1
	everleafd_start || return 1
	for name; do
		within 20 test -s "$live/$name/fullchain.pem" || return 1
	done
	nginx_conf "$run" "$live" "$@"
	nginx_again
}

# Says what was said, if a test has gone wrong; then the plan.
system_end() {
	[ "$tap_bad" -eq 0 ] || everleafd_last 60
	tap_done
}
