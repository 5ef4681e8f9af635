#!/bin/sh
# http-01 behind the server that is there already: each snippet that is
# shipped, in the real server, with a CA that asks through it. First through
# the responder's socket, then stateless.
top=$(cd "$(dirname "$0")/../.." && pwd)
. "$top/tests/lib/all.sh"
. "$top/tests/lib/fronts.sh"
system_begin 3600
conf_head >"$conf"

# A wish that is ordered at once, with what stands on port 80 now.
issued() {	# issued NAME
	everleaf add "$1" --no-wait && within 20 newest_is "$1" 1
}

# RFC 7638, from the account's public key.
thumbprint_of() {
	sqlite3 "$state/db/everleaf.db" 'SELECT hex(spki) FROM account' |
		python3 -c '
import base64, hashlib, sys
u = lambda b: base64.urlsafe_b64encode(b).rstrip(b"=").decode()
p = bytes.fromhex(sys.stdin.read().strip())[-64:]
jwk = """{"crv":"P-256","kty":"EC","x":"%s","y":"%s"}""" % (u(p[:32]),
    u(p[32:]))
print(u(hashlib.sha256(jwk.encode()).digest()))'
}

try_front() {	# try_front NAME SNIPPET CERTIFICATE
	if [ -z "$(front_program "$1")" ]; then
		skip "$1" "needs $1"
		return
	fi
	is "$1 takes $2" front_start "$1" "$2" ||
		tail -n 5 "$scene/log/front" | diag
	is "$1 with $2: a CA gets its answer" issued "$3"
	isnt "$1 with $2: nothing else is shown" curl -sf -o /dev/null \
		"http://127.0.0.1:$http_port/.well-known/acme-challenge/x"
	is "$1 ends" front_stop
}

is "the daemon starts" everleafd_start
for s in nginx apache haproxy lighttpd; do
	try_front $s $s.conf $s.example
done
thumbprint=$(thumbprint_of)
same "there is a thumbprint" ${#thumbprint} 43
for s in nginx apache haproxy lighttpd; do
	if [ $s = lighttpd ] && ! front_module lighttpd mod_magnet.so >/dev/null; then
		skip "$s stateless" "needs mod_magnet of lighttpd"
		continue
	fi
	front_home=$scene/front-$s-stateless
	mkdir -p "$front_home"
	[ $s != lighttpd ] || front_snippet stateless-lighttpd.lua >/dev/null
	try_front $s stateless-$s.conf stateless-$s.example
done
is "it ends within 5 s" everleafd_stop
system_end
