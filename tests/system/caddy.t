#!/bin/sh
# A CA that nobody here wrote, and that is quite unlike Boulder: Caddy's
# acme_server. It validates inside the challenge's POST, gives no Retry-After,
# no meta, and 12 hours of lifetime or less. It takes Ed25519 keys.
top=$(cd "$(dirname "$0")/../.." && pwd)
. "$top/tests/lib/all.sh"
. "$top/tests/lib/caddy.sh"
name=shop.example
work_find
if ! caddy_get "$work"; then
	skip "Caddy as CA" "needs a current Caddy"
	tap_done
	exit
fi
command -v nginx >/dev/null || [ -x "$work/nginx/usr/sbin/nginx" ] ||
	unpack_package "" nginx "$work/nginx" >/dev/null
in_own_network "$0" $name www.$name two.example ed.example

scene_begin
prefix=${EVERLEAF_PREFIX:-$work/inst}
nginx_get "$work" || bail "no nginx"
everleaf_paths
caddy_start 10m || bail "Caddy does not start:" \
	"$(tail -n 3 "$scene/log/caddy")"
{
	conf_head | sed 's/"pebble"/"caddy"/'
	echo 'http-listen = ":80"'
	conf_nginx
	cat <<-END
	certificate "$name" {
	    names    = {"$name", "www.$name"}
	    services = "nginx"
	}
	END
	conf_wish two.example '{}'
	conf_wish ed.example '"nginx"; key-type = experimental:ed25519' |
		tr ';' '\n'
} >"$conf"

chain_holds() {	# chain_holds NAME
	openssl verify -CAfile "$ca_trust" -untrusted "$live/$1/chain.pem" \
		"$live/$1/cert.pem"
}
account_is() { ls "$caddy_home/store/acme_server" >/dev/null; }

is "nginx starts with the placeholder" system_open $name ed.example
is "version 1 is served" within 40 serves $name 1
is "key and certificate belong together" pair_matches $name
is "the chain leads to Caddy's root" chain_holds $name
is "both names are covered" sh -c "openssl x509 -noout -ext subjectAltName \
	-in '$live/$name/cert.pem' | grep -c DNS:www.$name"
is "a second certificate comes by the same account" within 30 newest_is \
	two.example 1
key_of() { openssl x509 -in "$live/$1/cert.pem" -noout -text |
	sed -n 's/.*Public Key Algorithm: //p'; }
is "ed.example is served by nginx" within 40 serves ed.example 1
same "with an Ed25519 key" "$(key_of ed.example)" ED25519
is "key and certificate belong together" pair_matches ed.example
is "its chain leads to Caddy's root" chain_holds ed.example
same "its state is one word" "$(about ed.example .state)" served
same "show tells its TLSA" "$(everleaf show ed.example |
	sed -n 's/^ *key *\([a-z0-9]*\), TLSA \(.*\)/\1 \2/p')" \
	"ed25519 3 1 1 $(openssl x509 -in "$live/ed.example/cert.pem" \
	-noout -pubkey | openssl pkey -pubin -outform DER | sha256sum |
	cut -d ' ' -f 1)"
is "it is renewed" renew ed.example
is "version 2 of it is served" within 40 serves ed.example 2
is "an order before its time" renew $name
is "version 2 is served" within 40 serves $name 2
same "the state is one word" "$(about $name .state)" served
is "it renews within ten minutes of lifetime" test "$(about $name \
	'.issuance.next_renewal_at | fromdateiso8601 - now < 600')" = true
stop caddy
is "the CA is gone: asked for an order, it waits" renew two.example
is "and why says who does not answer" within 20 sh -c "'$prefix/bin/everleaf' \
	--socket '$run/everleaf.sock' why two.example | grep -i caddy"
is "it ends within 5 s" everleafd_stop
[ "$tap_bad" -eq 0 ] || tail -n 40 "$scene/log/caddy" | diag
system_end
