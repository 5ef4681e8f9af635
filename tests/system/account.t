#!/bin/sh
# Our account at a CA: another key, its end, a new one, one that is brought from
# elsewhere, its key taken elsewhere; that its certificates wait meanwhile and
# then go on; and what `test ca` finds when it tries all that.
top=$(cd "$(dirname "$0")/../.." && pwd)
. "$top/tests/lib/all.sh"
name=shop.example
system_begin 7776000
{ conf_head; conf_nginx; conf_wish $name; } >"$conf"

account() { everleaf --json ca show pebble | jq -r ".account$1"; }
api() {	# api PATH: the HTTP status
	curl -s -o "$scene/answer" -w '%{http_code}' -X POST \
		--unix-socket "$run/everleaf.sock" "http://x$1"
}
accounts() { grep -c 'accounts in memory' "$scene/log/pebble"; }
waits() { [ "$(about $name .issuance.state)" = blocked ]; }
events_any() { everleaf --json events --since 1d |
	jq -r '.events[].event' | grep -cx "$1"; }

in_force() { everleaf ca show "$1" >/dev/null 2>&1; }
shows() { everleaf ca show "$1" | grep -qF -e "$2"; }
tries() {	# tries CODE CA WORDS...: test ca ends so, and says all that
	everleaf test ca "$2" >"$scene/tried" 2>&1
	[ $? = "$1" ] || { diag <"$scene/tried"; return 1; }
	shift 2
	for w; do
		grep -qF -e "$w" "$scene/tried" ||
			{ diag <"$scene/tried"; return 1; }
	done
}

is "nginx starts with the placeholder" system_open $name
is "version 1 is served" within 60 serves $name 1
url=$(account .url)
print=$(account .thumbprint)

is "test ca: all is well" tries 0 pebble "$ca_url answers, after" \
	"account $url: valid"
is "ca show says so, too" shows pebble "ready       yes"

# --- another key ---
same "the API can't change the key" "$(api /v1/cas/pebble/rollover)" 409
same "and says what is lacking" "$(jq -r .error.code "$scene/answer")" \
	needs-operator
is "root can" everleaf ca rollover pebble
same "the account is the same" "$(account .url)" "$url"
isnt "its key is another" [ "$(account .thumbprint)" = "$print" ]
is "it orders with that" renew $name
is "version 2 is served" within 60 serves $name 2

# --- taken elsewhere ---
exports() { everleaf ca export pebble "$@" </dev/null; }
second() { everleaf --json ca show second | jq -r ".account$1"; }
same "the API can't take the key" "$(api /v1/cas/pebble/export)" 409
same "and says what is lacking" "$(jq -r .error.code "$scene/answer")" \
	needs-operator
isnt "nobody takes it by accident" exports
same "a dry run takes nothing" "$(exports --dry-run | grep -c PRIVATE)" 0
same "nobody has it yet" "$(events_any account.exported)" 0
touch "$scene/taken.pem" "$scene/nonsense"
chmod 600 "$scene/taken.pem" "$scene/nonsense"
exports --yes >"$scene/taken.pem" 2>"$scene/words"
same "root has it" $? 0
same "it is a key, and nothing else" "$(sed -n '1p;$p' "$scene/taken.pem" |
	tr -d '\n')" "-----BEGIN PRIVATE KEY----------END PRIVATE KEY-----"
is "openssl can read it" openssl pkey -in "$scene/taken.pem" -noout
is "whose it is stands beside it" grep -qF "$url" "$scene/words"
everleaf --json ca export pebble --yes >"$scene/taken.json" </dev/null
same "as JSON it is the same" "$(jq -r .key "$scene/taken.json")" \
	"$(cat "$scene/taken.pem")"
same "with its account" "$(jq -r '.ca + " " + .account' "$scene/taken.json")" \
	"pebble $url"
same "each time is told" "$(events_any account.exported)" 2
for ca in second third; do
	printf 'ca "%s" {\n\tdirectory = "%s"\n\ttrust-file = "%s"\n}\n' \
		$ca "$ca_url" "$ca_trust" >>"$conf"
done
cat >>"$conf" <<-END
ca "gone" {
    directory  = "https://127.0.0.1:$(free_port)/dir"
    trust-file = "$ca_trust"
}
ca "unread" {
    directory  = "$ca_url"
    trust-file = "$ca_trust"
    agree-tos  = no
}
policy "odd" {
    ca      = "unread"
    profile = "nonsense"
}
END
is "more ca blocks are read" everleaf reload
is "and in force" within 20 in_force unread
made=$(accounts)
is "test ca: no account yet" tries 0 second "no account yet"
is "test ca: nobody listens there" tries 1 gone "gone: the CA's directory"
is "test ca: all that is in the way" tries 1 unread \
	"nothing can be ordered from unread: agree-tos is not set" \
	'policy "odd": unread has no profile "nonsense"' "no account yet"
same "none of that makes an account" "$(accounts)" "$made"
isnt "which has no key to take" everleaf ca export second --yes
is "it takes this one" everleaf ca import second "$scene/taken.pem"
same "and has the same account" "$(second .url)" "$url"
same "whose key is the same" "$(second .thumbprint)" "$(account .thumbprint)"
is "so does a third" everleaf ca import third "$scene/taken.pem"
is "test ca: it is alive" tries 0 third "account $url: valid"

# --- one from elsewhere ---
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384 \
	-out "$scene/account.pem" 2>/dev/null
is "a key is brought" everleaf ca import pebble "$scene/account.pem"
isnt "the account is another" [ "$(account .url)" = "$url" ]
same "its key is of that type" "$(account .key_type)" ecdsa-p384
is "it orders with that" renew $name
is "version 3 is served" within 60 serves $name 3
url=$(account .url)
echo nonsense >"$scene/nonsense"
is "the second gives up what it has with the third" \
	everleaf ca deactivate second --yes
is "test ca: the third finds that it is closed" tries 1 third \
	"third: the account there is closed" "everleaf ca rollover third"
is "and knows it from then on" shows third \
	"ready       no: third: the account there is closed"
isnt "what is no key is refused" everleaf ca import pebble "$scene/nonsense"
same "and changes nothing" "$(account .url)" "$url"

# --- its end ---
isnt "nobody ends it by accident" everleaf ca deactivate pebble </dev/null
same "the API can't end it" "$(api /v1/cas/pebble/deactivate)" 409
is "root can" everleaf ca deactivate pebble --yes
same "the account is dead" "$(account .status)" dead
is "test ca: it is closed" tries 1 pebble "everleaf ca rollover pebble"
isnt "its key is of no use" exports --yes
renew $name
is "the certificate waits" within 10 waits
same "without a failure of its own" "$(events_of $name order.failed)" 0
same "it is told once, like the two before" \
	"$(events_any ca.account-dead)" 3
everleaf status >"$scene/status"
is "status says it" grep -q 'everleaf ca show pebble' "$scene/status"
everleaf status --check >/dev/null
same "monitoring hears of it" $? 1
is "root puts a new one in its place" everleaf ca rollover pebble
isnt "it is another" [ "$(account .url)" = "$url" ]
is "the certificate goes on by itself" within 90 serves $name 4
isnt "no key is in the log" grep -rq 'PRIVATE KEY' "$scene/log/everleafd"
same "nor in an event" "$(everleaf --json events --since 1d |
	grep -c 'PRIVATE KEY')" 0
is "it ends within 5 s" everleafd_stop
system_end
