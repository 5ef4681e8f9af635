#!/bin/sh
# A CA behind a proxy: all that goes to it goes through a tunnel, what the
# environment says of proxies is not heeded, and a proxy that lets nobody
# through is told from a CA that is down. The proxy also sees which versions of
# HTTP are offered to the CA.
top=$(cd "$(dirname "$0")/../.." && pwd)
. "$top/tests/lib/all.sh"
name=shop.example
system_begin 7776000
before=$(pebble_requests)
through=$scene/proxy
mkdir "$through"
: >"$through/asked"
: >"$through/closed"
proxy_port=$(free_port)
spawn proxy python3 "$top/tests/system/proxy.py" "$proxy_port" "$through"
within 10 port_used "$proxy_port" || bail "no proxy"
export https_proxy=http://127.0.0.1:9 HTTPS_PROXY=http://127.0.0.1:9
export no_proxy='*'
ca_more="proxy = \"http://127.0.0.1:$proxy_port\""
{ conf_head; conf_nginx; conf_wish $name; } >"$conf"
is "nginx starts with the placeholder" system_open $name
says() { everleaf why $name | tr -s ' \n' ' ' | grep -q "$1"; }
is "a proxy that refuses is named" within 30 \
	says "by proxy http://127.0.0.1:$proxy_port: .*refuses a tunnel"
same "nothing has reached the CA" "$(pebble_requests)" "$before"

rm "$through/closed"
is "issued through the tunnel" within 90 serves $name 1
same "only tunnels to the CA were asked for" \
	"$(sort -u "$through/asked")" "CONNECT 127.0.0.1:$pebble_port"
same "HTTP/2 is offered, and 1.1" "$(sort -u "$through/offered")" "h2 http/1.1"

: >"$through/offered"
ca_more="$ca_more
	    http-version = 1.1"
{ conf_head; conf_nginx; conf_wish $name; } >"$conf"
is "the CA's HTTP/2 is said to be broken" everleaf reload
is "it is renewed" renew $name
is "version 2 is served" within 60 serves $name 2
same "HTTP/1.1 alone is offered" "$(sort -u "$through/offered")" "http/1.1"
is "it ends within 5 s" everleafd_stop
system_end
