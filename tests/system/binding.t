#!/bin/sh
# A CA that binds accounts to customers (RFC 8555 section 7.3.4): said clearly
# without a key for that; with one, kept in the keeper alone, the account is
# made and certificates of slow and quick key types are served.
top=$(cd "$(dirname "$0")/../.." && pwd)
. "$top/tests/lib/all.sh"
name=shop.example
pebble_binds=true
mac=zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W
system_begin 7776000
secret=$etc/pebble.eab
write_conf() {
	{ conf_head; conf_nginx; conf_wish $name; } |
		sed "s|services = \"nginx\"|&; key-type = \"$1\"|" |
		tr ';' '\n' >"$conf"
}
code_is() { [ "$(about $name .issuance.error.code)" = "$1" ]; }
kind() { openssl x509 -in "$live/$name/cert.pem" -noout -text |
	grep -o 'Public-Key: ([0-9]* bit)'; }

write_conf rsa-2048
is "nginx starts with the placeholder" system_open $name
is "without a key the CA's wish is said" within 30 code_is eab-needed
printf '%s\n' "$mac" >"$secret"
chmod 600 "$secret"
ca_more="eab-kid = \"kid-1\"
	    eab-key-file = \"$secret\""
write_conf rsa-2048
is "the configuration is reloaded" everleaf reload
is "it is tried again" renew $name
is "version 1 is served" within 60 serves $name 1
same "its key is of the type that was wished for" "$(kind)" \
	'Public-Key: (2048 bit)'
isnt "the HMAC key is in no log" grep -rq "$mac" "$scene/log"
isnt "nor in the store" grep -rq "$mac" "$state"

rm "$secret"
write_conf ecdsa-p384
is "the key's file may go, and the type change" everleaf reload
is "it is renewed" renew $name
is "version 2 is served" within 60 serves $name 2
same "with a key of the new type" "$(kind)" 'Public-Key: (384 bit)'
is "it ends within 5 s" everleafd_stop
system_end
