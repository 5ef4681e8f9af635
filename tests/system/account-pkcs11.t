#!/bin/sh
# Accounts whose keys are in PKCS#11 tokens: an elliptic one and RSA, bound to
# an external account, with the PIN in a file or in the URI, which nobody ever
# shows; and what is said when provider, key or PIN are not right.
top=$(cd "$(dirname "$0")/../.." && pwd)
. "$top/tests/lib/all.sh"
name=shop.example
pebble_binds=true
system_begin 7776000
# Where it is in no suite of this machine's mirror there is nothing to try.
missing=$(pkcs11_missing "$work") && {
	echo "1..0 # SKIP needs $missing"
	exit 0
}
write_conf() {	# write_conf URI [EAB KID]
	{
		echo "http-listen = \"127.0.0.1:$http_port\""
		echo "token-directories = {\"$scene/hsm\"}"
		ca_more="account-key = \"$1\"
		eab-kid = \"${2:-kid-1}\"
		eab-key-file = \"$etc/eab\""
		conf_head
		conf_wish $name "{}"
	} >"$conf"
}
account() { everleaf --json ca show pebble | jq -r ".account$1"; }
issued() { newest_is $name "$1" && state_is $name valid; }
fails() { [ "$(about $name .issuance.error.code)" = token ]; }
text() { about $name .issuance.error.text; }
fails_with() { fails && said "$(text)" "$1"; }
advice() { about $name .issuance.error.advice; }
says() { everleaf status --security | grep -qx "$1"; }
said() { printf %s "$1" | grep -q "$2"; }	# said TEXT WHAT
tried() { everleaf test ca pebble | grep -qF -e "$1"; }
try_key() {	# try_key URI: reloads, and orders
	write_conf "$1"
	everleaf reload >/dev/null && renew $name
}
seen() {	# seen TEXT: where people or programs could see it
	everleaf config show --all >"$scene/seen" 2>&1
	everleaf --json ca show pebble >>"$scene/seen" 2>&1
	everleaf --json events --since 1d >>"$scene/seen" 2>&1
	everleaf why $name >>"$scene/seen" 2>&1
	"$prefix/sbin/everleafd" -T -c "$conf" >>"$scene/seen" 2>&1
	cat "$scene/log/everleafd" /proc/[0-9]*/cmdline >>"$scene/seen" \
		2>/dev/null
	cat "$state"/db/* >>"$scene/seen"
	grep -a -q "$1" "$scene/seen"
}

softhsm_start "$work" || bail "no token: $(tail -n 5 "$scene/log/softhsm")"
is "it has an elliptic key" softhsm_key curve 01 EC:prime256v1
is "and another" softhsm_key wide 02 EC:secp384r1
is "and one for RSA" softhsm_key long 03 rsa:2048
printf 5678 >"$scene/pin"
printf %s zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W \
	>"$etc/eab"
chmod 600 "$etc/eab" "$scene/pin"
with_pin="pin-source=file:$scene/pin"
write_conf "pkcs11:token=everleaf;object=curve?$with_pin"
is "the daemon starts" everleafd_start || bail "$(everleafd_last)"
is "what it may read but cannot is told" within 30 fails
text | diag
give_token "$scene/hsm" "$scene/pin"
renew $name
is "version 1 is issued" within 60 issued 1 || bail "$(text)"
same "its account has that type" "$(account .key_type)" ecdsa-p256
same "and was bound" "$(account .eab_kid)" kid-1
is "its process says where it writes" says \
	"token: files: .* writes to a TPM and below $scene/hsm"
url=$(account .url)
old=$(role_pid token)
kill -KILL "$old"
renew $name
is "the process died: version 2 is issued" within 60 issued 2
same "by the same account" "$(account .url)" "$url"
is "test ca: it is alive" tried "account $url: valid"

# --- other types ---
try_key "pkcs11:token=everleaf;object=wide?$with_pin"
is "P-384: version 3 is issued" within 60 issued 3
same "another account" "$(account .key_type)" ecdsa-p384
try_key "pkcs11:token=everleaf;object=long?$with_pin"
is "RSA: version 4 is issued" within 60 issued 4
same "another account, again" "$(account .key_type)" rsa-2048

# --- the PIN in the URI ---
try_key "pkcs11:token=everleaf;object=curve?pin-value=5678&x=1"
is "a PIN in the URI: version 5 is issued" within 60 issued 5
isnt "the PIN is nowhere to be seen" seen pin-value=5678
is "the rest of the URI is" seen 'object=curve?pin-value=\*\*\*&x=1'

# --- what can be wrong ---
try_key "pkcs11:token=everleaf;object=curve"
is "no PIN" within 30 fails
is "it says so" said "$(text)" PIN
is "and what to do" said "$(advice)" pin-source
try_key "pkcs11:token=everleaf;object=nobody?$with_pin"
is "no such key: it says which" within 30 fails_with object=nobody
is "test ca: so it does" tried object=nobody
try_key "pkcs11:token=everleaf;object=curve?pin-value=9999"
is "a wrong PIN" within 30 fails_with 'object=curve?pin-value='
text | diag
isnt "which is not shown either" seen pin-value=9999
try_key "pkcs11:token=everleaf;object=curve?$with_pin"
is "all right again: version 6 is issued" within 60 issued 6
is "it ends within 5 s" everleafd_stop
unset OPENSSL_MODULES PKCS11_PROVIDER_MODULE
if [ -z "$(provider_of pkcs11)" ]; then
	is "without the provider" everleafd_start
	renew $name
	is "the order fails" within 30 fails
	is "it says what is missing" said "$(text)" 'provider pkcs11'
	is "and what to install" said "$(advice)" pkcs11-provider
	is "it ends within 5 s" everleafd_stop
fi
system_end
