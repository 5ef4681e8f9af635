#!/bin/sh
# A certificate is taken back: replaced first, with a new key, and revoked at
# the CA only when the new one is served; at once; many; for a key that somebody
# else has; and never without root at this machine.
top=$(cd "$(dirname "$0")/../.." && pwd)
. "$top/tests/lib/all.sh"
name=shop.example
second=blog.example
system_begin 7776000
{ conf_head; conf_nginx; conf_wish $name; conf_wish $second; } >"$conf"

# What the CA says of a version: Valid or Revoked, and why.
serial_of() { about "$1" .newest.serial; }
ca_says() {	# ca_says SERIAL JQ
	curl -s --cacert "$ca_trust" -A test \
		"https://127.0.0.1:$pebble_admin/cert-status-by-serial/$1" |
		jq -r "$2"
}
spki_of() { about "$1" .newest.spki_sha256; }
revocation() { about "$1" ".revocations[] | select(.version == $2) | .state"; }
api() {	# api METHOD PATH BODY: the HTTP status
	curl -s -o "$scene/answer" -w '%{http_code}' -X "$1" -d "$3" \
		--unix-socket "$run/everleaf.sock" "http://x$2"
}
is_ready() { [ "$(revocation "$1" "$2")" = ready ]; }

is "nginx starts with the placeholders" system_open $name $second
is "both are served" within 60 all_served $name $second
one=$(serial_of $name)
key=$(spki_of $name)
same "the CA says that it is good" "$(ca_says "$one" .Status)" Valid

# --- by the API alone: replaced, and no further ---
same "whoever may use the API may ask for it" \
	"$(api POST /v1/certificates/$name/revoke '{"reason": "superseded"}')" 202
is "version 2 is served" within 60 serves $name 2
is "then it waits for an operator" within 10 is_ready $name 1
same "the API can't do it" \
	"$(api POST /v1/certificates/$name/revoke '{}')" 409
same "and says what is lacking" "$(jq -r .error.code "$scene/answer")" \
	needs-operator
same "nor at once" \
	"$(api POST /v1/certificates/$second/revoke '{"at_once": true}')" 409
same "of which nothing is left" "$(about $second '.revocations | length')" 0
same "the CA knows of nothing" "$(ca_says "$one" .Status)" Valid
everleaf why $name >"$scene/why"
is "why tells whom it waits for" grep -q 'everleaf revoke shop.example' \
	"$scene/why"
everleaf status >"$scene/status"
is "status counts it" grep -q '^Replacing .*: 1 wait for you' "$scene/status"

# --- an operator ---
is "root goes on with it" everleaf revoke $name
same "the CA has revoked version 1" "$(ca_says "$one" .Status)" Revoked
same "for the reason that was asked for" "$(ca_says "$one" .Reason)" 4
isnt "the new key is another" [ "$(spki_of $name)" = "$key" ]
same "the state is good" "$(about $name .state)" served
same "one event tells it" "$(events_of $name revoked)" 1
same "nothing waits any more" "$(everleaf --json status |
	jq -r .replacing)" null

two=$(serial_of $name)
is "all at one go, for a key that leaked" everleaf revoke $name \
	--reason key-compromise
same "version 3 is served" "$(about $name .served.version)" 3
same "version 2 is revoked" "$(ca_says "$two" .Status)" Revoked
same "for its key" "$(ca_says "$two" .Reason)" 1
is "files of what was revoked are not installed" pair_matches $name

three=$(serial_of $name)
is "at once" everleaf revoke $name --at-once
same "version 3 is revoked" "$(ca_says "$three" .Status)" Revoked
is "and version 4 is served" within 60 serves $name 4

# --- a daemon that names another certificate than its files ---
refuses() {	# refuses WORDS: without anybody to ask
	everleaf revoke $name --at-once --no-wait </dev/null \
		>"$scene/refused" 2>&1 && return 1
	grep -q "$1" "$scene/refused"
}
other_files='the daemon names another certificate than the files'
mv "$live/$name" "$scene/link"
ln -s "$(readlink "$live/$second")" "$live/$name"
is "another folder than the daemon's: nothing is revoked" refuses "$other_files"
rm "$live/$name"
mv "$scene/link" "$live/$name"
folder=$(readlink -f "$live/$name")
mv "$folder/cert.pem" "$scene/cert.pem"
cp "$live/$second/cert.pem" "$folder/cert.pem"
is "another certificate there: nothing is revoked" refuses "$other_files"
mv "$scene/cert.pem" "$folder/cert.pem"
mv "$folder" "$scene/away"
is "what is not there any more is not revoked unasked" refuses 'Add --yes'
mv "$scene/away" "$folder"
same "the CA has revoked nothing" "$(ca_says "$(serial_of $name)" .Status)" \
	Valid
same "and nothing was begun" "$(about $name \
	'[.revocations[] | select(.state != "done")] | length')" 0

# --- many ---
four=$(serial_of $name)
other=$(serial_of $second)
everleaf revoke --ca pebble --dry-run >"$scene/dry"
is "a dry run counts" grep -q '2 versions of 2 certificates; 2 orders' \
	"$scene/dry"
same "and does nothing" "$(ca_says "$four" .Status)" Valid
isnt "many are not revoked unasked" everleaf revoke --ca pebble </dev/null
is "many, with --yes" everleaf revoke --ca pebble --yes
same "one is revoked" "$(ca_says "$four" .Status)" Revoked
same "so is the other" "$(ca_says "$other" .Status)" Revoked
is "both are served still" within 10 all_served $name $second

# --- the account is closed ---
dead=$(serial_of $second)
late=$(serial_of $name)
is "the account is given up" everleaf ca deactivate pebble --yes
everleaf revoke $second --at-once --no-wait >"$scene/late" 2>&1
same "its own key revokes what the account can't" \
	"$(ca_says "$dead" .Status)" Revoked
same "the event says whose key" "$(everleaf --json events $second |
	jq -r '.events[] | select(.event == "revoked") | .text' | tail -n 1)" \
	"signed by the certificate's own key"
is "another account is made" everleaf ca rollover pebble
is "what another account has ordered" everleaf revoke $name
same "is revoked, too" "$(ca_says "$late" .Status)" Revoked
is "both are served in the end" within 60 all_served $name $second
isnt "no key is in the log" grep -rq 'PRIVATE KEY' "$scene/log/everleafd"
is "it ends within 5 s" everleafd_stop
system_end
