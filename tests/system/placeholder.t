#!/bin/sh
# Before the first order there is something that a server can start with, and
# it never passes for a certificate: CA down, nginx up.
top=$(cd "$(dirname "$0")/../.." && pwd)
. "$top/tests/lib/all.sh"
name=shop.example
system_begin 7776000
stop pebble
{ conf_head; conf_nginx; conf_wish $name; } >"$conf"
days_left() {
	openssl x509 -in "$live/$name/cert.pem" -noout -checkend $((86400 * $1))
}
self_signed() {
	[ "$(openssl x509 -in "$live/$name/cert.pem" -noout -issuer_hash)" = \
		"$(openssl x509 -in "$live/$name/cert.pem" -noout \
		-subject_hash)" ]
}

is "nginx starts although the CA is down" system_open $name
is "the placeholder is on the wire" test "$(served_leaf $name)" = \
	"$(leaf_sha <"$live/$name/cert.pem")"
is "it is self-signed" self_signed
is "it is for the name" sh -c "openssl x509 -in '$live/$name/cert.pem' \
	-noout -checkhost $name | grep 'does match'"
is "it is good for six days" days_left 6
isnt "and not for eight" days_left 8
is "key and certificate belong together" pair_matches $name
same "the state is new" "$(about $name .state)" new
same "nothing counts as served" "$(about $name .served)" null
is "why names the CA" sh -c "'$prefix/bin/everleaf' --socket \
	'$run/everleaf.sock' why $name | grep -i 'pebble'"

leaf=$(served_leaf $name)
is "it ends within 5 s" everleafd_stop
is "and starts again" everleafd_start
same "with the same placeholder" "$(leaf_sha <"$live/$name/cert.pem")" "$leaf"

pebble_again || bail "Pebble does not come back"
is "the CA is back: an order now" renew $name
is "version 1 is served" within 60 serves $name 1
same "by one certificate" "$(pebble_issued)" 1
is "it ends within 5 s" everleafd_stop
system_end
