#!/bin/sh
# From a wish to its second version: ordered, installed, reloaded, served,
# renewed by the scheduler; and every file as the interface promises it.
top=$(cd "$(dirname "$0")/../.." && pwd)
. "$top/tests/lib/all.sh"
name=shop.example
system_begin 60
{ conf_head; conf_nginx; conf_wish $name; } >"$conf"

mode_of() { stat -c %a "$1"; }
covers() {	# covers FILE NAME
	openssl x509 -in "$1" -noout -checkhost "$2" | grep -q 'does match'
}
# key, then fullchain, byte for byte.
combined_fits() {
	cat privkey.pem fullchain.pem | cmp - combined.pem &&
		cat cert.pem chain.pem | cmp - fullchain.pem
}
chain_holds() {
	pebble_root >"$scene/root.pem"
	openssl verify -CAfile "$scene/root.pem" -untrusted chain.pem cert.pem
}

is "nginx starts with the placeholder" system_open $name
same "the placeholder does not count as served" \
	"$(about $name '.served == null or .served.version > 0')" true
is "version 1 is served" within 40 serves $name 1

dir=$live/$name
same "live/NAME leads to one live link" "$(readlink "$dir" |
	sed -E 's|[0-9a-f]{2}/[0-9a-f]{16}|XX/ID|')" "../certs/XX/ID/live"
(cd -P "$dir" && pwd) >"$scene/generation"
cd "$(cat "$scene/generation")" || bail "no generation"
is "key and certificate belong together" pair_matches $name
is "the certificate covers the name" covers cert.pem $name
is "the chain leads to the CA's root" chain_holds
is "combined and full chain are made of the parts" combined_fits
same "privkey.pem is its owner's alone" "$(mode_of privkey.pem)" 600
same "combined.pem too" "$(mode_of combined.pem)" 600
for f in cert chain fullchain; do
	same "$f.pem is for all" "$(mode_of $f.pem)" 644
done
same "the generation can be passed through, not listed" "$(mode_of .)" 711
same "the store is the engine's alone" "$(mode_of "$state/db")" 700
same "the KEK is its owner's alone" "$(mode_of "$state/kek")" 600
is "meta.json is JSON" jq -e .version meta.json
cd /

is "the scheduler renews: version 2 is served" within 60 serves $name 2
is "key and certificate belong together again" pair_matches $name
is "the first generation is unchanged" test -s "$(cat \
	"$scene/generation")/privkey.pem"
is "no file is left over" no_litter
same "the state is one word" "$(about $name .state)" served
isnt "no key is in the log" grep -rq 'PRIVATE KEY' "$scene/log/everleafd"
is "it ends within 5 s" everleafd_stop
system_end
