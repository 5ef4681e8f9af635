# The daemon of a scene: configuration, start, questions, end. Needs $prefix
# (build.sh), $ca_url and $ca_trust (pebble.sh), and nginx.sh for its service.
everleaf_paths() {
	etc=$scene/etc
	state=$scene/state
	run=$scene/run
	live=$state/live
	conf=$etc/everleaf.conf
	mkdir -p "$etc/conf.d"
}

# --- configuration ----------------------------------------------------------
# What every scene has: our CA, and a policy that takes certificates from it.
conf_head() {	# conf_head [MAX_ORDERS]
	cat <<-EOF
	agree-tos = true
	state-dir = "$state"
	run-dir   = "$run"

	ca "pebble" {
	    directory  = "$ca_url"
	    trust-file = "$ca_trust"
	    max-orders = ${1:-16}
	    ${ca_more:-}
	}

	policy "default" {
	    ca = "pebble"
	}
	EOF
}

# The service nginx as it plays here. A check of one's own may take the place
# of nginx -t.
conf_nginx() {	# conf_nginx [CHECK [DELAY [RELOAD]]]
	cat <<-EOF

	service "nginx" {
	    check           = ${1:-$(nginx_check)}
	    reload          = ${3:-$(nginx_reload)}
	    endpoints       = {"127.0.0.1:$tls_port"}
	    reload-delay    = ${2:-1s}
	    reload-interval = 1s
	    probe-timeout   = 10s
	    allow-test-ca   = true
	}
	EOF
}

conf_wish() {	# conf_wish NAME [SERVICES]: "" is none
	cat <<-EOF

	certificate "$1" {
	    services = ${2-\"nginx\"}
	}
	EOF
}

conf_key() {	# conf_key TITLE KEY VALUE: for TITLE.example, and that key
	cat <<-EOF

	certificate "$1" {
	    names = "$1.example"
	    $2 = $3
	}
	EOF
}

# --- the daemon -------------------------------------------------------------
everleafd_start() {
	if private_users; then
		spawn everleafd unshare --mount sh -c "$enter_users" - \
			"$scene" "$prefix/sbin/everleafd" -c "$conf"
	else
		spawn everleafd "$prefix/sbin/everleafd" -c "$conf"
	fi
	within 20 up_or_gone && alive everleafd
}
# One that listens but has no engine would let the command wait for minutes.
up_or_gone() {
	! alive everleafd || timeout 5 "$prefix/bin/everleaf" \
		--socket "$run/everleaf.sock" status
}

# As root each role has a user of its own. Where the machine does not have
# them, the daemon sees a list of users of ours in their place: only it does,
# nothing is written to /etc. Without mount namespaces it runs as one user.
private_users() {
	[ "$(id -u)" -eq 0 ] && ! id everleaf >/dev/null 2>&1 &&
		unshare --mount true 2>/dev/null || return 1
	[ ! -e "$scene/passwd" ] || return 0
	cp /etc/passwd "$scene/passwd"
	cp /etc/group "$scene/group"
	set -- everleaf everleaf-key everleaf-verify everleaf-http \
		everleaf-token everleaf-hook everleaf-admin
	while [ $# -gt 0 ]; do
		echo "$1:x:$((64100 + $#)):$((64100 + $#))::/:/bin/false" \
			>>"$scene/passwd"
		echo "$1:x:$((64100 + $#)):" >>"$scene/group"
		shift
	done
}
enter_users='mount --bind "$1/passwd" /etc/passwd &&
	mount --bind "$1/group" /etc/group && shift && exec "$@"'

# Fails if it takes longer than 5 s, or leaves a child behind.
everleafd_stop() {
	local pid children c
	pid=$(pid_of everleafd)
	children=$(child_of "$pid")
	stop everleafd TERM 5 || return 1
	for c in $children; do
		within 2 gone_pid "$c" || return 1
	done
}

everleaf() { "$prefix/bin/everleaf" --socket "$run/everleaf.sock" "$@"; }

# An order now, due or not; what comes of it the events and states tell.
renew() { everleaf renew "$1" --force --no-wait >/dev/null; }

# A process of the daemon's: master, or one of its children by its name (of
# which the kernel keeps 15 characters).
role_pid() {	# role_pid ROLE
	if [ "$1" = master ]; then
		pid_of everleafd
	else
		child_of "$(pid_of everleafd)" \
			"$(printf 'everleaf-%s' "$1" | cut -c 1-15)" |
			head -n 1
	fi
}

# --- questions --------------------------------------------------------------
about() {	# about NAME JQ_EXPRESSION: of the API's answer
	everleaf --json show "$1" | jq -r "$2"
}
state_is() { [ "$(about "$1" .state)" = "$2" ]; }	# NAME STATE
newest_is() { [ "$(about "$1" .newest.version)" -ge "$2" ]; }

# The daemon says so, and a handshake of our own says so too.
serves() {	# serves NAME VERSION
	[ "$(about "$1" .served.version)" -ge "$2" ] &&
		[ "$(served_leaf "$1")" = "$(leaf_sha <"$live/$1/cert.pem")" ]
}

# Key and certificate of a live folder belong together. It is entered once:
# a flip in between can't mix two versions.
pair_matches() {	# pair_matches NAME
	(
		cd -P "$live/$1" || exit 1
		one=$(openssl x509 -in cert.pem -noout -pubkey) &&
			two=$(openssl pkey -in privkey.pem -pubout) &&
			[ "$one" = "$two" ]
	)
}

# Files that only a crash, or a run under way, may leave.
litter() {
	find "$state/certs" "$live" \( -name '.tmp-*' -o -name '.del-*' \
		-o -name '.live.tmp' \) 2>/dev/null
}
no_litter() { [ -z "$(litter)" ]; }

events_of() {	# events_of NAME EVENT: how many there were
	everleaf --json events "$1" --since 1d |
		jq -r '.events[].event' | grep -cx "$2"
}
served() { serves "$1" 1; }
all_served() {	# all_served NAME...
	local n
	for n; do
		served "$n" || return 1
	done
}

# When something went wrong: what the daemon said last.
everleafd_last() { tail -n "${1:-30}" "$scene/log/everleafd" | diag; }
