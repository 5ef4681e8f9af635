# Pebble, the test CA, and its DNS. Wanted is a current one; Debian's newer
# suite has it as one binary that runs here, so that is unpacked into a folder
# of ours. Where it can't be had, this release's own takes its place, and the
# tests that need more say so.
pebble_suite=forky

# Finds or fetches both programs. Sets $pebble, $challtestsrv and
# $pebble_current (yes or no). EVERLEAF_PEBBLE names a folder that has them.
pebble_get() {	# pebble_get CACHE
	local dir said
	dir=${EVERLEAF_PEBBLE:-$1/pebble}
	if ! pebble_is_current "$dir" && [ -z "${EVERLEAF_PEBBLE:-}" ]; then
		said=$(unpack_package "$pebble_suite" pebble "$dir" 2>&1) ||
			printf '%s\n' "$said" >&2
	fi
	if pebble_is_current "$dir"; then
		pebble_current=yes
	else
		[ "${CI:-}" != true ] || {
			echo "no current Pebble can be had" >&2
			return 1
		}
		pebble_current=no
		dir=$dir-own
		[ -x "$dir/usr/bin/pebble" ] ||
			unpack_package "" pebble "$dir" >&2 || return 1
		echo "Pebble is old: tests that need more are skipped" >&2
	fi
	pebble=$dir/usr/bin/pebble
	challtestsrv=$dir/usr/bin/pebble-challtestsrv
}

# Old ones have no -version, and a binary for a newer libc does not start.
pebble_is_current() {	# pebble_is_current DIR
	[ -x "$1/usr/bin/pebble-challtestsrv" ] &&
		"$1/usr/bin/pebble" -version >/dev/null 2>&1
}

# Starts DNS (every name is 127.0.0.1) and CA. Certificates live LIFETIME
# seconds. Further arguments are NAME=VALUE for Pebble's environment. Sets
# $ca_url, $ca_trust, $http_port and $alpn_port (where names are validated),
# $dns_port. The CA asks $pebble_dns, if that is set, instead of the DNS that
# is started here.
pebble_start() {	# pebble_start LIFETIME [NAME=VALUE]...
	pebble_home=$scene/pebble
	pebble_life=$1
	shift
	mkdir -p "$pebble_home"
	pebble_port=$(free_port)
	pebble_admin=$(free_port)
	dns_port=$(free_port)
	dns_admin=$(free_port)
	http_port=${http_port:-$(free_port)}
	alpn_port=${alpn_port:-$(free_port)}
	ca_url=https://127.0.0.1:$pebble_port/dir
	ca_trust=$pebble_home/trust.pem
	pebble_tls >"$scene/log/openssl" 2>&1 || return 1
	pebble_conf >"$pebble_home/config.json"
	spawn dns "$challtestsrv" -management "127.0.0.1:$dns_admin" \
		-defaultIPv4 127.0.0.1 -defaultIPv6 "" \
		-http01 "" -https01 "" -tlsalpn01 "" \
		$(dns_options "127.0.0.1:$dns_port")
	within 10 port_used "$dns_admin" || return 1
	pebble_again "$@"
}

# The CA alone, once more: it has forgotten all accounts, orders and keys.
# GOMAXPROCS=1: it can lock itself up otherwise (with several orders at once).
pebble_again() {	# pebble_again [NAME=VALUE]...
	stop pebble TERM || stop pebble KILL
	spawn pebble env GOMAXPROCS=1 PEBBLE_VA_NOSLEEP=1 \
		PEBBLE_AUTHZREUSE=0 PEBBLE_WFE_NONCEREJECT=5 "$@" \
		"$pebble" -strict -config "$pebble_home/config.json" \
		-dnsserver "${pebble_dns:-127.0.0.1:$dns_port}"
	within 20 curl -s --cacert "$ca_trust" -A test -o /dev/null "$ca_url"
}

dns_options() {	# dns_options ADDRESS: the flag's name has changed
	if old_pebble; then
		echo "-dns01 $1"
	else
		echo "-dnsserver $1 -doh="
	fi
}

old_pebble() { [ "${pebble_current:-}" != yes ]; }

# A root of our own and, below it, what Pebble shows on its port.
pebble_tls() {
	cd "$pebble_home" || return 1
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
		-keyout root.key -out trust.pem -days 30 \
		-subj "/CN=everleaf tests" \
		-addext "keyUsage=critical,keyCertSign,cRLSign" &&
	openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
		-keyout key.pem -out csr.pem -subj "/CN=localhost" &&
	printf '%s\n' 'subjectAltName=DNS:localhost,IP:127.0.0.1' \
		'basicConstraints=critical,CA:false' \
		'keyUsage=critical,digitalSignature' \
		'extendedKeyUsage=serverAuth' >ext &&
	openssl x509 -req -in csr.pem -CA trust.pem -CAkey root.key \
		-CAcreateserial -days 30 -extfile ext -out cert.pem
	set -- $?
	cd - >/dev/null
	return "$1"
}

# One profile only: Pebble takes a random one when none is asked for. More are
# written in $pebble_profiles. The last key is for old ones, which know none.
pebble_conf() {
	cat <<-EOF
	{"pebble": {
	 "listenAddress": "127.0.0.1:$pebble_port",
	 "managementListenAddress": "127.0.0.1:$pebble_admin",
	 "certificate": "$pebble_home/cert.pem",
	 "privateKey": "$pebble_home/key.pem",
	 "httpPort": $http_port, "tlsPort": $alpn_port,
	 "ocspResponderURL": "", "externalAccountBindingRequired": ${pebble_binds:-false},
	 "externalAccountMACKeys": {"kid-1": "${pebble_mac:-zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W}"},
	 "domainBlocklist": [${pebble_blocks:-}],
	 "retryAfter": {
	  "authz": ${pebble_retry:-1}, "order": ${pebble_retry:-1}},
	 "keyAlgorithm": "ecdsa",
	 "profiles": {"default": {"description": "for tests",
	  "validityPeriod": $pebble_life}${pebble_profiles:-}},
	 "certificateValidityPeriod": $pebble_life}}
	EOF
}

# How many certificates the CA has made since its (last) start, by its log.
pebble_issued() {
	grep -c 'Issued certificate serial' "$scene/log/pebble"
}

# What the CA was asked for, by its log: one line a request.
pebble_requests() {
	grep -c -- '-> calling handler' "$scene/log/pebble"
}

# How many names it has validated; one that is reused is not validated again.
pebble_validated() {
	grep -c 'set VALID by completed challenge' "$scene/log/pebble"
}

# Its management interface; some is known by a number, 0 is the usual chain.
pebble_ask() {	# pebble_ask PATH [CURL'S ARGUMENTS]
	local path
	path=$1
	shift
	curl -sf --max-time 10 --cacert "$ca_trust" -A test "$@" \
		"https://127.0.0.1:$pebble_admin/$path"
}
pebble_root() { pebble_ask "roots/${1:-0}"; }	# as PEM
pebble_intermediate() { pebble_ask "intermediates/${1:-0}"; }

# What it says from now on when asked about the renewal of the newest version
# of NAME; a text that is not JSON is said as it is.
pebble_suggest() {	# pebble_suggest NAME TEXT
	jq -n --rawfile leaf "$live/$1/cert.pem" --arg text "$2" \
		'{Certificate: $leaf, ARIResponse: $text}' |
		pebble_ask set-renewal-info/ --data-binary @-
}
pebble_window() {	# pebble_window NAME FROM TO: seconds from now
	pebble_suggest "$1" "{\"suggestedWindow\": {
		\"start\": \"$(in_seconds "$2")\",
		\"end\": \"$(in_seconds "$3")\"}}"
}
in_seconds() { date -u -d "@$(($(date +%s) + $1))" +%Y-%m-%dT%H:%M:%SZ; }

# Takes a name's address away, and gives it back.
dns_break() { dns_tell set-servfail "{\"host\":\"$1\"}"; }
dns_mend() { dns_tell clear-servfail "{\"host\":\"$1\"}"; }
dns_tell() {	# dns_tell WHAT JSON
	curl -s -o /dev/null -d "$2" "http://127.0.0.1:$dns_admin/$1"
}
