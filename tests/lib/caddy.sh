# Caddy as a CA (its acme_server), in a network of the scene's own: it asks
# for challenges on ports 80 and 443 and nowhere else. A current one comes out
# of Debian's newer suite into a folder of ours.
caddy_suite=forky

caddy_get() {	# caddy_get CACHE: sets $caddy
	local said
	caddy=$1/caddy/usr/bin/caddy
	"$caddy" version >/dev/null 2>&1 && return 0
	said=$(unpack_package "$caddy_suite" caddy "$1/caddy" 2>&1) ||
		printf '%s\n' "$said" >&2
	"$caddy" version >/dev/null 2>&1
}

# Runs this very script again where loopback is the only network, and where
# NAME... are names of this machine.
in_own_network() {	# in_own_network SCRIPT NAME...
	[ -z "${EVERLEAF_OWN_NETWORK:-}" ] || return 0
	local script hosts
	script=$1
	shift
	hosts=$(mktemp) || exit 99
	printf '127.0.0.1 localhost %s\n' "$*" >"$hosts"
	EVERLEAF_OWN_NETWORK=$hosts
	export EVERLEAF_OWN_NETWORK
	unshare --net --mount sh -c 'ip link set lo up &&
		mount --bind "$EVERLEAF_OWN_NETWORK" /etc/hosts && exec "$@"' \
		- "$script"
	set -- $?
	rm -f "$hosts"
	exit "$1"
}

# Sets $ca_url and $ca_trust.
caddy_start() {	# caddy_start LIFETIME
	caddy_home=$scene/caddy
	mkdir -p "$caddy_home"
	caddy_port=$(free_port)
	ca_url=https://localhost:$caddy_port/acme/local/directory
	ca_trust=$caddy_home/store/pki/authorities/local/root.crt
	cat >"$caddy_home/Caddyfile" <<-END
	{
	 admin off
	 storage file_system $caddy_home/store
	 skip_install_trust
	 http_port $(free_port)
	 auto_https disable_redirects
	}
	https://localhost:$caddy_port {
	 tls internal
	 acme_server {
	  lifetime $1
	  challenges http-01 tls-alpn-01
	 }
	}
	END
	spawn caddy env HOME="$caddy_home" "$caddy" run \
		--config "$caddy_home/Caddyfile"
	within 20 test -s "$ca_trust" && within 20 curl -s \
		--cacert "$ca_trust" -o /dev/null "$ca_url"
}
