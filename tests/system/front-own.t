#!/bin/sh
# Challenges without anybody in front: the responder's own ports, over IPv4
# and IPv6, for names and addresses; and files in a directory that another
# server shows.
top=$(cd "$(dirname "$0")/../.." && pwd)
. "$top/tests/lib/all.sh"
. "$top/tests/lib/fronts.sh"
system_begin 3600
www=$scene/www
mkdir "$www"
[ "$(id -u)" -ne 0 ] || chown "$(front_user)" "$www"

wish() {	# wish TITLE NAMES POLICY
	cat <<-EOF
	certificate "$1" {
	    names  = {$2}
	    policy = "$3"
	}
	EOF
}
listen() {	# listen KEY PORT
	echo "$1 = {\"127.0.0.1:$2\", \"[::1]:$2\"}"
}
policies() {
	cat <<-EOF
	policy "alpn" {
	    ca        = "pebble"
	    challenge = "tls-alpn-01"
	}
	policy "files" {
	    ca      = "pebble"
	    webroot = "$www"
	}
	EOF
}
issued() { within 20 newest_is "$1" 1; }
covers() {	# covers TITLE ADDRESS
	openssl x509 -in "$live/$1/cert.pem" -noout -checkip "$2" |
		grep -q 'does match'
}
begins() {	# begins FILE WORDS: the log says so
	within 10 grep -q -- "$2" "$scene/log/$1"
}
status_of() {	# status_of URL
	curl -s -o /dev/null -w '%{http_code}' --max-time 5 "$1"
}

left() { ! port_used "$1" && ! port_used "$2"; }
shows() {	# shows FOLDER
	front_home=$scene/front-files
	front_root="root $1"
	mkdir "$front_home"
	: >"$front_home/none"
	front_nginx "$nginx" "$front_home/none"
	within 10 port_used "$http_port"
}

{
	listen http-listen "$http_port"
	listen tls-alpn-listen "$alpn_port"
	conf_head
	policies
	wish name.example '"name.example"' default
	wish tls.example '"tls.example"' alpn
	wish v4 '"127.0.0.1"' default
	wish v6 '"::1"' default
	wish tls-both '"127.0.0.1", "::1"' alpn
} >"$conf"
is "the daemon starts" everleafd_start
for n in name.example tls.example v4 v6 tls-both; do
	is "$n is issued" issued $n
done
is "everleaf test asks nothing of port 80 for tls-alpn-01" \
	everleaf test tls.example
is "an IPv4 address is covered" covers tls-both 127.0.0.1
is "an IPv6 address is covered" covers tls-both ::1
for host in 127.0.0.1 '[::1]'; do
	same "$host: nothing else is shown" \
		"$(status_of "http://$host:$http_port/")" 404
done

# The ports go to others; only what is asked for is given back.
{ conf_head; policies; } >"$conf"
is "it reads a new configuration" everleaf reload --yes
is "it leaves its ports" within 10 left "$http_port" "$alpn_port"
is "nginx shows a directory" shows "$www"
is "webroot: a name is proven" everleaf add files.example --policy files \
	--no-wait
is "webroot: it is issued" issued files.example
same "webroot: nothing is left there" "$(ls -A "$www")" ""
isnt "a webroot that no file names is refused" everleaf add \
	stray.example --webroot "$scene" --no-wait
is "a port that is taken is said, and tried again" sh -c '
	sed -i "1i http-listen = \":$1\"" "$2"' - "$http_port" "$conf"
is "the daemon goes on" everleaf reload
is "with clear words" begins everleafd 'http-listen :.*Address already in use'
is "nginx ends" front_stop
is "it ends within 5 s" everleafd_stop
system_end
