#!/bin/bash
# Programs of dns blocks, called as other clients call them: what arrives at a
# hook made for acme.sh, lego, certbot, dehydrated, uacme.
set -u
dir=${TOP_SRCDIR:-.}/contrib/dns
tmp=$(mktemp -d "${TMPDIR:-/tmp}/everleaf-dns.XXXXXX") || exit 99
server=
cleanup() {
	[ -z "$server" ] || kill "$server"
	rm -rf "$tmp"
}
trap cleanup EXIT
n=0
is() {	# is WHAT GOT WANTED
	n=$((n + 1))
	if [ "$2" = "$3" ]; then
		echo "ok $n - $1"
	else
		echo "not ok $n - $1"
		printf '%s\n' "got:" "$2" "wanted:" "$3" | sed 's/^/# /'
	fi
}

# What everleafd gives every program of a dns block.
token=abcdefghijklmnopqrstuvwx
call() {	# call ADAPTER add|remove PROGRAM...
	local adapter=$1 verb=$2
	shift 2
	env -i PATH="$PATH" TMPDIR="$tmp" EVERLEAF_NAME=shop \
	    EVERLEAF_IDENTIFIER=shop.example \
	    EVERLEAF_RECORD=_acme-challenge.shop.example EVERLEAF_VALUE=val_-1 \
	    EVERLEAF_TOKEN=$token EVERLEAF_KEYAUTH=$token.thumb \
	    "${more[@]}" "$dir/$adapter" "$verb" _acme-challenge.shop.example \
	    val_-1 "$@"
}
more=(A=1)

cat >"$tmp/hook" <<'END'
#!/bin/sh
for arg; do printf '<%s>' "$arg"; done
echo
env | grep -E '^(CERTBOT|UACME_(METHOD|AUTH)|CHALLENGETYPE|altnames)' | sort
exit "${HOOK_EXIT:-0}"
END
chmod +x "$tmp/hook"

echo 1..23

# --- lego -------------------------------------------------------------------
is 'lego: present, name with its final dot' \
    "$(call lego add "$tmp/hook" -v)" \
    '<-v><present><_acme-challenge.shop.example.><val_-1>'
is 'lego: cleanup' "$(call lego remove "$tmp/hook")" \
    '<cleanup><_acme-challenge.shop.example.><val_-1>'
more=(EXEC_MODE=RAW)
is 'lego: RAW mode has token and key authorization' \
    "$(call lego add "$tmp/hook")" \
    "<present><--><shop.example.><$token><$token.thumb>"
more=(HOOK_EXIT=7)
call lego add "$tmp/hook" >/dev/null
is 'lego: what the program says of itself is kept' $? 7

# --- dehydrated -------------------------------------------------------------
more=(A=1)
is 'dehydrated: deploy_challenge' "$(call dehydrated add "$tmp/hook")" \
    "<deploy_challenge><shop.example><$token><val_-1>
CHALLENGETYPE=dns-01
altnames=shop.example"
is 'dehydrated: clean_challenge' \
    "$(call dehydrated remove "$tmp/hook" | head -n 1)" \
    "<clean_challenge><shop.example><$token><val_-1>"

# --- uacme ------------------------------------------------------------------
is 'uacme: begin' "$(call uacme add "$tmp/hook")" \
    "<begin><dns-01><shop.example><$token><val_-1>
UACME_AUTH=val_-1
UACME_METHOD=begin"
is 'uacme: done' "$(call uacme remove "$tmp/hook" | head -n 1)" \
    "<done><dns-01><shop.example><$token><val_-1>"
more=(HOOK_EXIT=1)
call uacme add "$tmp/hook" >/dev/null
is 'uacme: a hook that declines is "not my zone"' $? 3
call uacme remove "$tmp/hook" >/dev/null
is 'uacme: a hook that cannot take down has failed' $? 1

# --- certbot ----------------------------------------------------------------
more=(A=1)
is 'certbot: the auth hook, by environment' \
    "$(call certbot add "$tmp/hook" /nowhere)" \
    '
CERTBOT_ALL_DOMAINS=shop.example
CERTBOT_ALL_IDENTIFIERS=shop.example
CERTBOT_DOMAIN=shop.example
CERTBOT_IDENTIFIER=shop.example
CERTBOT_REMAINING_CHALLENGES=0
CERTBOT_VALIDATION=val_-1'
is 'certbot: the cleanup hook is the second program' \
    "$(call certbot remove /nowhere "$tmp/hook" | grep -c AUTH_OUTPUT=)" 1
call certbot remove /nowhere
is 'certbot: without one nothing is removed, and that is fine' $? 0

# --- HTTP: httpreq and acme.sh against a server that writes down ------------
cat >"$tmp/server.py" <<'END'
import http.server, sys
class H(http.server.BaseHTTPRequestHandler):
    def any(self):
        n = int(self.headers.get('Content-Length', 0))
        with open(sys.argv[1], 'a') as f:
            print(self.command, self.path,
                  self.headers.get('Authorization', '-'),
                  self.headers.get('Content-Type', '-'),
                  self.rfile.read(n).decode(), file=f)
        bad = self.path.startswith('/bad')
        self.send_response(500 if bad else 200)
        self.end_headers()
        self.wfile.write(b'{ "id" : "42", "zones": ["shop.example"] }\n')
    do_GET = do_POST = do_DELETE = do_HEAD = any
    def log_message(self, *a): pass
s = http.server.HTTPServer(('127.0.0.1', 0), H)
print(s.server_port, flush=True)
s.serve_forever()
END
timeout 60 python3 "$tmp/server.py" "$tmp/log" >"$tmp/port" &
server=$!
for _ in $(seq 100); do [ -s "$tmp/port" ] && break; sleep 0.1; done
url=http://127.0.0.1:$(cat "$tmp/port")

more=("HTTPREQ_ENDPOINT=$url/api/" HTTPREQ_USERNAME=u HTTPREQ_PASSWORD='p"w')
call httpreq add >/dev/null
is 'httpreq: present, with login' "$(cat "$tmp/log")" \
    "POST /api/present Basic $(printf 'u:p"w' | base64) application/json\
 {\"fqdn\":\"_acme-challenge.shop.example.\",\"value\":\"val_-1\"}"
: >"$tmp/log"
more=("HTTPREQ_ENDPOINT=$url" HTTPREQ_MODE=RAW)
call httpreq remove >/dev/null
is 'httpreq: RAW mode' "$(cat "$tmp/log")" "POST /cleanup - application/json\
 {\"domain\":\"shop.example\",\"token\":\"$token\",\"keyAuth\":\"$token.thumb\"}"
more=("HTTPREQ_ENDPOINT=$url/bad")
call httpreq add >/dev/null 2>&1
is 'httpreq: an error of the endpoint is a failure' $(($? != 0)) 1
more=(A=1)
is 'httpreq: without an endpoint it says what to do' \
    "$(call httpreq add)" \
    'httpreq: HTTPREQ_ENDPOINT is not set. Name it in the env-file.'

# A script in the manner of acme.sh's dnsapi; it is ours, written for this.
cat >"$tmp/dns_ours.sh" <<'END'
#!/usr/bin/env sh
dns_ours_add() {
	Ours_Token="${Ours_Token:-$(_readaccountconf_mutable Ours_Token)}"
	[ -n "$Ours_Token" ] || { _err "no Ours_Token"; return 1; }
	_saveaccountconf_mutable Ours_Token "$Ours_Token"
	export _H1="Authorization: Bearer $Ours_Token"
	response=$(_get "$Ours_Api/zones" | _normalizeJson)
	_contains "$response" '"zones":\["shop' || return 2
	id=$(echo "$response" | _egrep_o '"id":"[0-9]*"' | cut -d: -f2 |
	    tr -d '"')
	name=$(printf %s "$1" | _url_encode)
	_post "name=$name&txt=$2&sum=$(_math "$id" + 1)" "$Ours_Api/$id" "" \
	    PUTTY "application/x-www-form-urlencoded" >/dev/null
	grep -q ' 501 ' "$HTTP_HEADER" || return 3
	_post "txt=$2" "$Ours_Api/$id" >/dev/null
}
dns_ours_rm() {
	echo "$(printf abc | _digest sha256 hex)"
	printf abc | _hmac sha256 6b6579 hex; echo
	printf 'a b/c~' | _url_encode upper-hex; echo
	_getfield a,b,,d 3
	printf abc | _hex_dump | _h2b; echo
	printf 'Zm9v' | _dbase64; echo
	_startswith abc ab && _endswith abc bc && echo both
}
END
: >"$tmp/log"
more=(Ours_Token=t0k "Ours_Api=$url/v1")
call acme.sh add "$tmp/dns_ours.sh" >/dev/null
is 'acme.sh: a script adds a record' $? 0
is 'acme.sh: what it told the API' "$(cat "$tmp/log")" \
    "GET /v1/zones Bearer t0k - 
POST /v1/42 Bearer t0k application/x-www-form-urlencoded txt=val_-1"
is 'acme.sh: the helpers count and code as theirs do' \
    "$(call acme.sh remove "$tmp/dns_ours.sh")" \
    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad
$(printf abc | openssl dgst -sha256 -hmac key | sed 's/.*= //')
a%20b%2Fc~
b
abc
foo
both"
more=(A=1)
call acme.sh add "$tmp/dns_ours.sh" >/dev/null 2>&1
is 'acme.sh: a script that fails has failed' $? 1
echo 'x() { :; }' >"$tmp/dns_none.sh"
is 'acme.sh: a script of another kind is named' \
    "$(call acme.sh add "$tmp/dns_none.sh")" \
    "$tmp/dns_none.sh defines no function dns_none_add"
is 'nothing is left behind' "$(echo "$tmp"/*.everleaf)" \
    "$tmp/*.everleaf"
