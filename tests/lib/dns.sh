# Real name servers of the scene's own, on port 53 as zones want it: BIND as
# primary and as a secondary, and Knot. So that nobody is in the way, and the
# machine's addresses stay as they are, the test plays in a network namespace
# where there is nothing but loopback. Needs root.

# Starts the test again in there. What it downloads is fetched before.
dns_alone() {	# dns_alone TEST
	[ -z "${EVERLEAF_ALONE:-}" ] || return 0
	PATH=$PATH:/usr/sbin:/sbin
	if [ "$(id -u)" -ne 0 ] || ! unshare --net true 2>/dev/null ||
	    ! command -v named ip dig tsig-keygen nsupdate >/dev/null; then
		echo "1..0 # SKIP needs root, iproute2, BIND 9 and its tools"
		exit 0
	fi
	(
		scene_begin
		work_find
		nginx_get "$work"
		pebble_get "$work"
	)
	EVERLEAF_ALONE=1 exec unshare --net "$1"
}

# Sets $ns1 $ns2 $ns3, addresses, and $ns1_six.
dns_begin() {
	local a
	dns_home=$scene/dns
	ns1=127.53.0.1 ns2=127.53.0.2 ns3=127.53.0.3 ns1_six=fd53::1
	ip link set lo up || return 1
	for a in "$ns1/32" "$ns2/32" "$ns3/32" "$ns1_six/128"; do
		ip addr add "$a" dev lo || return 1
	done
	mkdir -p "$dns_home"
	chmod 755 "$dns_home"
}

dns_key() {	# dns_key NAME [ALGORITHM]: a key file, made once
	[ -e "$dns_home/$1.key" ] || tsig-keygen -a "${2:-hmac-sha256}" "$1" \
		>"$dns_home/$1.key"
	chmod 640 "$dns_home/$1.key"
	chgrp bind "$dns_home/$1.key"
}

# A zone's first contents: $ns1 and perhaps more serve it, everything in it is
# at 127.0.0.1. Lines on stdin are added.
dns_zone() {	# dns_zone FOLDER ZONE [ADDRESS]...
	local file n
	file=$1/$2.zone
	{
		echo "\$TTL 60"
		echo "@ SOA ns1 hostmaster 1 3600 600 86400 0"
		n=0
		shift 2
		for a; do
			[ "$a" = "$ns1_six" ] || n=$((n + 1))
			[ "$a" = "$ns1_six" ] || echo "@ NS ns$n"
			case $a in
			*:*) echo "ns$n AAAA $a" ;;
			*) echo "ns$n A $a" ;;
			esac
		done
		echo "@ A 127.0.0.1"
		cat
	} >"$file"
}

# Starts a BIND in folder NAME on ADDRESS; its zones come on stdin.
bind_start() {	# bind_start NAME ADDRESS [IPV6]
	local home
	home=$dns_home/$1
	mkdir -p "$home"
	{
		cat <<-END
		options {
			directory "$home";
			listen-on port 53 { $2; };
			listen-on-v6 port 53 { ${3:-none}; };
			pid-file none; session-keyfile none;
			managed-keys-directory "$home";
			recursion yes; allow-recursion { any; };
			allow-query { any; }; dnssec-validation no;
			notify explicit; minimal-responses no;
			query-source address $2; transfer-source $2;
			notify-source $2;
		};
		controls { };
		END
		cat
	} >"$home/named.conf"
	chown -R bind "$home"
	spawn "$1" named -g -u bind -c "$home/named.conf"
	within 10 dns_answers "$2" || { tail "$scene/log/$1" | diag; return 1; }
}

dns_answers() {	# dns_answers ADDRESS: it gives any answer at all
	dig +time=1 +tries=1 @"$1" . SOA 2>/dev/null | grep -q 'status:'
}

# A Knot that is primary of ZONE for everybody who has KEY.
knot_start() {	# knot_start NAME ADDRESS ZONE KEY
	local home
	home=$dns_home/$1
	mkdir -p "$home/db"
	cat >"$home/knot.conf" <<-END
	server:
	    listen: $2@53
	    rundir: "$home"
	    user: knot:knot
	database:
	    storage: "$home/db"
	log:
	  - target: stderr
	    any: info
	key:
	  - id: $4
	    algorithm: $(key_part "$4" algorithm)
	    secret: $(key_part "$4" secret)
	acl:
	  - id: everleaf
	    key: $4
	    action: [update, transfer]
	template:
	  - id: default
	    storage: "$home"
	zone:
	  - domain: $3
	    file: "$3.zone"
	    acl: everleaf
	END
	chown -R knot:knot "$home"
	spawn "$1" knotd -c "$home/knot.conf"
	within 10 dns_answers "$2" || { tail "$scene/log/$1" | diag; return 1; }
}

key_part() {	# key_part KEY algorithm|secret
	sed -n "s/^[[:space:]]*$2 \"\{0,1\}\([^\";]*\).*/\1/p" \
		"$dns_home/$1.key"
}

# The TXT values at a name, one a line.
dns_txt() {	# dns_txt ADDRESS NAME
	dig +short +time=1 +tries=2 @"$1" "$2" TXT
}

# Everything in a zone that is TXT: what was left behind.
dns_left() {	# dns_left ADDRESS ZONE
	dig +noall +answer +time=1 @"$1" "$2" AXFR |
		awk '$4 == "TXT" { print }'
}
nothing_left() { [ -z "$(dns_left "$1" "$2")" ]; }
