#!/bin/sh
# An account whose key is in a TPM: it registers, orders, is looked up when the
# inventory has forgotten it; what is wrong with key or TPM is said in words;
# key added, changed and taken away by a reload; the token process dies and is
# there again; what it may do is told, and is so.
top=$(cd "$(dirname "$0")/../.." && pwd)
. "$top/tests/lib/all.sh"
missing=$(tpm_missing) && { echo "1..0 # SKIP needs $missing"; exit 0; }
name=shop.example
system_begin 7776000
write_conf() {	# write_conf [LINE OF THE CA]
	{
		echo "http-listen = \"127.0.0.1:$http_port\""
		ca_more=${1:-}
		conf_head
		conf_wish $name "{}"
	} >"$conf"
}
key_is() { write_conf "account-key = \"$1\""; }
account() { everleaf --json ca show pebble | jq -r ".account$1"; }
issued() { newest_is $name "$1" && state_is $name valid; }
fails_with() { [ "$(about $name .issuance.error.code)" = "$1" ]; }
said() { printf %s "$1" | grep -q "$2"; }	# said TEXT WHAT
text() { about $name .issuance.error.text; }
says() { everleaf status --security | grep -qx "$1"; }
token_is_new() { [ -n "$(role_pid token)" ] && [ "$(role_pid token)" != "$1" ]; }
no_token() { [ -z "$(role_pid token)" ]; }
thumbprint() {	# of an EC key in PEM, RFC 7638
	openssl pkey -pubin -in "$1" -outform DER | tail -c 64 |
		python3 -c 'import sys, hashlib, base64
b = lambda x: base64.urlsafe_b64encode(x).rstrip(b"=").decode()
k = sys.stdin.buffer.read()
j = "{\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\"%s\",\"y\":\"%s\"}" % (b(k[:32]), b(k[32:]))
print(b(hashlib.sha256(j.encode()).digest()))'
}

tpm_start || bail "no TPM: $(tail -n 5 "$scene/log/swtpm")"
is "it makes a key" tpm_key 0x81000001 || bail "$(tail -n 5 "$scene/log/tpm2")"
key_is handle:0x81000001
is "the daemon starts" everleafd_start ||
	bail "no beginning: $(everleafd_last)"
is "version 1 is issued" within 30 issued 1 ||
	bail "no certificate: $(everleafd_last)"
tpm readpublic -c 0x81000001 -f pem -o "$scene/tpm/pub.pem"
same "the account's key is that of the TPM" "$(account .thumbprint)" \
	"$(thumbprint "$scene/tpm/pub.pem")"
url=$(account .url)
same "the API says where it is" "$(everleaf --json ca show pebble |
	jq -r .account_key)" handle:0x81000001

# --- what the process is ---
is "status names the process" says 'token: seccomp: on, deny-list'
is "and its confinement" says 'token: landlock: .*'
is "and that it has no capabilities" says 'token: capabilities: none'
if [ "$(id -u)" -eq 0 ] && private_users; then
	isnt "its user is not the keeper's" [ \
		"$(stat -c %u "/proc/$(role_pid token)")" = \
		"$(stat -c %u "/proc/$(role_pid keeper)")" ]
fi
env_of() { tr '\0' '\n' <"/proc/$(role_pid "$1")/environ" | grep -c TPM2; }
same "it is told where the TPM is" "$(env_of token)" 1
same "nobody else is" "$(env_of engine)$(env_of keeper)" 00

# --- it dies, and the TPM is restarted ---
old=$(role_pid token)
kill -KILL "$old"
is "killed, it comes back" within 20 token_is_new "$old"
is "a renewal is taken" renew $name
is "version 2 is issued" within 60 issued 2
stop swtpm TERM 5
rm -f "$scene/tpm.sock" "$scene/tpm.ctrl"
is "the TPM is another process now" tpm_start
is "a renewal is taken" renew $name
is "version 3 is issued" within 60 issued 3
same "all that by one account" "$(account .url)" "$url"

# --- what is not ours to do ---
isnt "the key is not changed from here" everleaf ca rollover pebble
everleaf ca rollover pebble >"$scene/said" 2>&1
is "that is said" grep -q account-key "$scene/said"
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 \
	-out "$scene/account.pem" 2>/dev/null
isnt "nor is another one brought" everleaf ca import pebble \
	"$scene/account.pem"
isnt "nor is it given away" everleaf ca export pebble --yes
everleaf ca export pebble --yes >"$scene/said" 2>&1
is "that is said" grep -q 'in the token' "$scene/said"
same "the account is the same" "$(account .url)" "$url"

# --- what can be wrong ---
key_is handle:0x81000009
is "a reload with a handle that is empty" everleaf reload
renew $name
is "the order fails with a code of its own" within 30 fails_with token
is "the text says which key" said "$(text)" 'handle:0x81000009 of ca'
is "no process was harmed" test -n "$(role_pid token)"
key_is handle:0x81000001
is "put right, and reloaded" everleaf reload
renew $name
is "version 4 is issued" within 60 issued 4
same "by the account from before" "$(account .url)" "$url"
stop swtpm TERM 5
rm -f "$scene/tpm.sock" "$scene/tpm.ctrl"
renew $name
is "no TPM: the order fails" within 30 fails_with token
text | diag
is "the TPM comes back" tpm_start
renew $name
is "version 5 is issued" within 60 issued 5

# --- another key, no key, the key again ---
is "the TPM makes a second key" tpm_key 0x81000002
key_is handle:0x81000002
is "it is named, and reloaded" everleaf reload
renew $name
is "version 6 is issued" within 60 issued 6
isnt "by another account" [ "$(account .url)" = "$url" ]
write_conf
is "no account-key any more" everleaf reload
is "the process goes" within 20 no_token
renew $name
is "version 7 is issued" within 60 issued 7
isnt "with a key of the keeper's" [ "$(account .url)" = "$url" ]
key_is handle:0x81000001
is "the first key again" everleaf reload
renew $name
is "version 8 is issued" within 60 issued 8
same "its account is known" "$(account .url)" "$url"

# --- what an operator may ---
serial=$(about $name .newest.serial)
everleaf revoke $name --at-once --yes >"$scene/said" 2>&1
same "root revokes by the account" $? 0
same "the CA has revoked it" "$(curl -s --cacert "$ca_trust" -A test \
	"https://127.0.0.1:$pebble_admin/cert-status-by-serial/$serial" |
	jq -r .Status)" Revoked
is "a new one is issued" within 60 issued 9
is "root gives the account up" everleaf ca deactivate pebble --yes
same "it is dead" "$(account .status)" dead
is "it ends within 5 s" everleafd_stop
system_end
