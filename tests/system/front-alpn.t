#!/bin/sh
# tls-alpn-01 behind the server that has port 443: it passes on what asks for
# acme-tls/1 to the responder's socket, and goes on serving everybody else.
top=$(cd "$(dirname "$0")/../.." && pwd)
. "$top/tests/lib/all.sh"
. "$top/tests/lib/fronts.sh"
system_begin 3600
{
	conf_head
	cat <<-EOF
	policy "alpn" {
	    ca        = "pebble"
	    challenge = "tls-alpn-01"
	}
	EOF
} >"$conf"

issued() {	# issued NAME
	everleaf add "$1" --policy alpn --no-wait &&
		within 20 newest_is "$1" 1
}
site() {
	curl -sk --max-time 5 "https://127.0.0.1:$alpn_port/"
}
alert() {	# alert ARGUMENT...: what openssl s_client says of a refusal
	openssl s_client -connect "127.0.0.1:$alpn_port" -alpn acme-tls/1 \
		"$@" </dev/null 2>&1 | grep -o 'alert number [0-9]*'
}

# The site needs some certificate to begin with.
mkdir "$scene/site"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
	-keyout "$scene/site/privkey.pem" -out "$scene/site/fullchain.pem" \
	-days 3 -subj "/CN=site" 2>/dev/null

try_front() {	# try_front NAME SNIPPET
	is "$1 takes $2" front_tls_start "$1" "$2" "$scene/site" ||
		tail -n 5 "$scene/log/front" | diag
	same "$1: the site is served" "$(site)" "the site"
	is "$1: a CA gets its proof" issued $1.example
	same "$1: the site is served all the time" "$(site)" "the site"
	same "$1: a name that is not being proven gets an alert" \
		"$(alert -servername other.example)" "alert number 112"
	is "$1 ends" front_stop
}

is "the daemon starts" everleafd_start
if ! front_stream=$(nginx_stream "$work"); then
	skip nginx "needs nginx with its stream module"
else
	try_front nginx nginx-stream.conf
fi
if [ -z "$(front_program haproxy)" ]; then
	skip haproxy "needs haproxy"
else
	try_front haproxy haproxy-alpn.cfg
fi
is "it ends within 5 s" everleafd_stop
system_end
