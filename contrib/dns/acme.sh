#!/bin/bash
# Runs a script of acme.sh's dnsapi, unchanged: it offers the helper functions
# that these scripts call, sources the script and calls NAME_add or NAME_rm.
# The scripts are yours, from your copy of acme.sh. Credentials stand in the
# env-file (CF_Token=...); what a script wants to save is not kept.
# Needs bash, curl, openssl, awk, sed, grep.
# Called by everleafd: acme.sh add|remove RECORD VALUE SCRIPT
set -u

record=$2 value=$3 script=$4
name=${script##*/}
name=${name%.sh}
work=$(mktemp -d --suffix=.everleaf) || exit 75
trap 'rm -rf "$work"' EXIT
HTTP_HEADER=$work/header LE_CONFIG_HOME=$work LE_WORKING_DIR=$work
ACME_OPENSSL_BIN=openssl USER_AGENT=everleaf
_H1='' _H2='' _H3='' _H4='' _H5=''
DEBUG=${DEBUG:-} HTTPS_INSECURE=${HTTPS_INSECURE:-}
ACME_HTTP_NO_REDIRECTS=${ACME_HTTP_NO_REDIRECTS:-}
: >"$HTTP_HEADER"

# --- talking ----------------------------------------------------------------
_err() { echo "$*" >&2; return 1; }
_info() { echo "$*"; }
_log() { :; }
_debug() { [ -z "$DEBUG" ] || echo "$*" >&2; }
_debug2() { :; }
_debug3() { :; }
_secure_debug() { :; }
_secure_debug2() { :; }
_secure_debug3() { :; }
_usage() { _err "$@"; }
__green() { printf %s "$1"; }
__red() { printf %s "$1"; }

# --- text -------------------------------------------------------------------
_contains() { printf '%s\n' "$1" | grep -q -- "$2"; }
_startswith() { case $1 in "$2"*) return 0 ;; esac; return 1; }
_endswith() { case $1 in *"$2") return 0 ;; esac; return 1; }
_egrep_o() { grep -E -o -- "$1" 2>/dev/null; }
_head_n() { head -n "$1"; }
_tail_n() { tail -n "$1"; }
_lower_case() { tr '[:upper:]' '[:lower:]'; }
_upper_case() { tr '[:lower:]' '[:upper:]'; }
_normalizeJson() {
	sed 's/" *: *\(["{\[]\)/":\1/g' | sed 's/^ *\([^ ]\)/\1/' |
	    tr -d '\r\n'
}
_json_decode() { sed 's/\\"/"/g; s/\\\\/\\/g; s/\\\//\//g'; }
_getfield() {	# the last one that is not empty, if there are fewer
	local n=$2 field=
	while [ "$n" -gt 0 ] && [ -z "$field" ]; do
		field=$(printf '%s\n' "$1" | cut -d "${3:-,}" -f "$n")
		n=$((n - 1))
	done
	printf '%s\n' "$field"
}
_sed_i() { sed -i "$1" "$2"; }
_url_replace() { tr '/+' '_-' | tr -d '= \n'; }
_url_encode() {
	local hex=${1:-} out
	out=$(od -An -v -tx1 | tr -d '\n')
	for byte in $out; do
		case $byte in
		2d|2e|5f|7e|3[0-9]|4[1-9a-f]|5[0-9a]|6[1-9a-f]|7[0-9a])
			printf "\\x$byte" ;;
		*)
			[ -z "$hex" ] || byte=$(printf %s "$byte" |
			    tr a-f A-F)
			printf '%%%s' "$byte" ;;
		esac
	done
}
_math() { local sum=$(($*)); printf '%s' "$sum"; }
_idn() { printf '%s' "$1"; }

# --- bytes ------------------------------------------------------------------
_hex_dump() { od -An -v -tx1 | tr -s ' \n' ' '; }
_h2b() {
	local hex
	hex=$(tr -d ' \n')
	while [ -n "$hex" ]; do
		printf "\\x${hex:0:2}"
		hex=${hex:2}
	done
}
_base64() {
	if [ -n "${1:-}" ]; then openssl base64 -e; else
		openssl base64 -e | tr -d '\r\n'
	fi
}
_dbase64() {
	if [ -n "${1:-}" ]; then openssl base64 -d; else
		openssl base64 -d -A
	fi
}
_digest() {
	if [ -n "${2:-}" ]; then
		openssl dgst -"$1" -hex | sed 's/.*= *//' | tr -d '\n'
	else
		openssl dgst -"$1" -binary | _base64
	fi
}
_hmac() {
	if [ -n "${3:-}" ]; then
		openssl dgst -"$1" -mac HMAC -macopt "hexkey:$2" -hex |
		    sed 's/.*= *//' | tr -d '\n'
	else
		openssl dgst -"$1" -mac HMAC -macopt "hexkey:$2" -binary
	fi
}
_isRSA() { grep -q 'BEGIN RSA' "$1" || openssl rsa -in "$1" -noout 2>/dev/null; }
_sign() {
	if _isRSA "$1"; then openssl dgst -"$2" -sign "$1" | _base64; else
		_err 'only RSA keys sign here'
	fi
}

# --- time, files ------------------------------------------------------------
_time() { date -u +%s; }
_utc_date() { date -u '+%Y-%m-%d %H:%M:%S'; }
_sleep() { sleep "$1"; }
_mktemp() { mktemp -p "$work"; }
_exists() { command -v "$1" >/dev/null 2>&1; }
_ns_lookup() { getent ahosts "$1" | cut -d ' ' -f 1 | sort -u; }

# --- settings: from the env-file, never saved -------------------------------
_readaccountconf() { printf '%s' "${!1:-}"; }
_readaccountconf_mutable() { _readaccountconf "$1"; }
_readdomainconf() { _readaccountconf "$1"; }
_saveaccountconf() { :; }
_saveaccountconf_mutable() { :; }
_savedomainconf() { :; }
_clearaccountconf() { :; }
_clearaccountconf_mutable() { :; }
_cleardomainconf() { :; }

# --- HTTP -------------------------------------------------------------------
# Headers go in by a file: a token on a command line is seen by everybody.
_http() {	# _http URL [curl options]: prints the body
	local url=$1 h
	shift
	: >"$work/headers"
	for h in "$_H1" "$_H2" "$_H3" "$_H4" "$_H5"; do
		[ -z "$h" ] || printf '%s\n' "$h" >>"$work/headers"
	done
	[ -n "$ACME_HTTP_NO_REDIRECTS" ] || set -- --location "$@"
	[ -z "$HTTPS_INSECURE" ] || set -- --insecure "$@"
	curl --silent --show-error --user-agent "$USER_AGENT" \
	    --dump-header "$HTTP_HEADER" --header "@$work/headers" "$@" "$url"
}
_post() {	# _post BODY URL [NEEDBASE64] [METHOD] [CONTENTTYPE]
	local method=${4:-POST}
	printf '%s' "$1" >"$work/body"
	set -- "$2" "${3:-}" "${5:-}"
	local url=$1 b64=$2 type=$3
	set -- --request "$method" --data-binary "@$work/body" --max-time 60
	[ -z "$type" ] || set -- "$@" --header "Content-Type: $type"
	if [ -n "$b64" ]; then _http "$url" "$@" | _base64; else
		_http "$url" "$@"
	fi
}
_get() {	# _get URL [ONLYHEADER] [TIMEOUT]
	if [ -n "${2:-}" ]; then
		_http "$1" --head --max-time "${3:-60}"
	else
		_http "$1" --max-time "${3:-60}"
	fi
}
_resethttp() { :; }

# --- the script -------------------------------------------------------------
# shellcheck source=/dev/null
. "$script" || exit 1
case $1 in
add) verb=${name}_add ;;
*) verb=${name}_rm ;;
esac
if ! command -v "$verb" >/dev/null; then
	echo "$script defines no function $verb"
	exit 1
fi
set +u
( "$verb" "$record" "$value" )
