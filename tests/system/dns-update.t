#!/bin/sh
# dns-01 by dynamic update on real BIND and real Knot: signatures, a wildcard
# beside its base name, delegation, a secondary that lags, a wrong key, and no
# record left behind, whatever dies.
top=$(cd "$(dirname "$0")/../.." && pwd)
. "$top/tests/lib/all.sh"
dns_alone "$0"
scene_begin
work_find
dns_begin || bail "no loopback"
pebble_dns=$ns1:53

# --- the servers -------------------------------------------------------------
for alg in sha256 sha384 sha512; do
	dns_key "$alg" "hmac-$alg"
done
dns_key wrong
dns_key knot
dns_key half
mkdir -p "$dns_home/ns1" "$dns_home/ns2" "$dns_home/ns3"
for z in sha256 sha384 sha512 acme; do
	dns_zone "$dns_home/ns1" $z.test "$ns1" </dev/null
done
dns_zone "$dns_home/ns1" shop.test "$ns1" "$ns1_six" <<END
_acme-challenge.far CNAME far.shop.acme.test.
far A 127.0.0.1
caa CAA 0 issue "other.example"
END
dns_zone "$dns_home/ns1" two.test "$ns1" "$ns2" </dev/null
dns_zone "$dns_home/ns3" knot.test "$ns3" </dev/null
primary() {	# primary ZONE KEY [MORE]
	cat <<-END
	zone "$1" {
		type primary; file "$1.zone";
		update-policy { grant $2 zonesub TXT; };
		allow-transfer { any; }; ${3:-}
	};
	END
}
{
	cat "$dns_home"/sha*.key
	# The same name as the key that we have, another secret.
	sed 's/"wrong"/"half"/' "$dns_home/wrong.key"
	for alg in sha256 sha384 sha512; do
		primary $alg.test $alg
	done
	primary acme.test sha256
	primary shop.test sha256
	primary two.test sha256
	cat <<-END
	zone "knot.test" {
		type forward; forward only; forwarders { $ns3; };
	};
	END
} >"$scene/zones"
bind_start ns1 "$ns1" "$ns1_six" <"$scene/zones" || bail "BIND does not start"
# It asks by itself, and seldom: changes are late.
bind_start ns2 "$ns2" <<END || bail "the second BIND does not start"
zone "two.test" {
	type secondary; primaries { $ns1; }; file "two.copy";
	min-refresh-time 4; max-refresh-time 4; min-retry-time 4;
	max-retry-time 4; allow-transfer { any; };
};
END

with_knot() { command -v knotd >/dev/null; }
if with_knot; then
	knot_start ns3 "$ns3" knot.test knot || bail "Knot does not start"
fi

# --- CA and daemon ------------------------------------------------------------
nginx_get "$work" || bail "no nginx"
pebble_get "$work" || bail "no Pebble"
prefix=${EVERLEAF_PREFIX:-$work/inst}
pebble_start 600 || bail "Pebble does not start"
everleaf_paths
dns_block() {	# dns_block TITLE KEY ZONES [SERVER]
	cat <<-END

	dns "$1" {
	    server   = "${4:-$ns1}"
	    key-file = "$dns_home/$2.key"
	    zones    = {$3}
	    timeout  = 40s
	}
	END
}
wish() {	# wish TITLE NAMES [DNS]
	printf '\ncertificate "%s" {\n names = {%s}\n challenge = dns-01\n' \
		"$1" "$2"
	printf ' probe-names = "%s"\n%s}\n' "$1" "${3:-}"
}
{
	conf_head
	echo "resolver = \"$ns1\""
	for alg in sha256 sha384 sha512; do
		dns_block $alg $alg "\"$alg.test\""
		wish www.$alg.test "\"www.$alg.test\""
	done
	dns_block acme sha256 '"acme.test", "two.test"'
	dns_block shop sha256 '"shop.test"'
	dns_block wrong wrong '"wrong.test"'
	dns_block half half '"half.test"'
	if with_knot; then
		dns_block knot knot '"knot.test"' "$ns3"
		dns_block other sha256 '"other.knot.test"' "$ns3"
		wish knot.test '"knot.test", "*.knot.test"'
		wish other.knot.test '"other.knot.test"'
	fi
	wish shop.test '"shop.test", "*.shop.test"'
	wish caa.shop.test '"caa.shop.test"' ' ca = "letsencrypt"
'
	printf '\nca "letsencrypt" {\n directory = "%s"\n' "$ca_url"
	printf ' trust-file = "%s"\n}\n' "$ca_trust"
	wish far.shop.test '"*.far.shop.test"'
	wish two.test '"two.test"'
	wish bad.shop.test '"bad.shop.test"' ' dns = "wrong"
'
	wish half.shop.test '"half.shop.test"' ' dns = "half"
'
} >"$conf"
is "the daemon starts" everleafd_start

# --- what comes of it ----------------------------------------------------------
for alg in sha256 sha384 sha512; do
	is "TSIG with hmac-$alg" within 40 newest_is www.$alg.test 1
done
is "a wildcard and its base name in one order" within 40 newest_is shop.test 1
is "behind a CNAME, in another zone" within 40 newest_is far.shop.test 1
is "a secondary that lags is waited for" within 60 newest_is two.test 1
if with_knot; then
	is "Knot takes updates too" within 40 newest_is knot.test 1
else
	skip "Knot takes updates too" "needs knot"
fi
why() { everleaf why "$1" 2>&1; }
says() { why "$1" | grep -q "$2"; }
is "a key that the server does not know: said so" within 20 \
	says bad.shop.test "does not know the key"
is "a key with another secret: said so" within 20 \
	says half.shop.test "another secret"
if with_knot; then
	is "Knot's refusal of a key is said too" within 20 \
		says other.knot.test "does not know the key"
fi
all_gone() {
	local z
	for z in sha256.test sha384.test sha512.test acme.test shop.test \
	    two.test; do
		nothing_left "$ns1" $z || return 1
	done
}
is "no record is left" within 20 all_gone
if with_knot; then
	is "nor in Knot" test -z "$(dns_txt "$ns3" \
		_acme-challenge.knot.test)"
fi

tries() { everleaf test dns shop new.shop.test >"$scene/tried"; }
is "test dns adds, sees and removes" tries
is "and says so" grep -q 'every server of shop.test has it' "$scene/tried"
isnt "test dns with a wrong key fails" everleaf test dns half x.shop.test
is "nothing is left of it" all_gone

# --- before an order -----------------------------------------------------------
everleaf test shop.test >"$scene/looked" 2>&1
# The CA's own word for itself, which its directory says.
caa_found() {
	! everleaf test caa.shop.test >"$scene/caa" 2>&1 && grep -q \
	    'lets in only other.example, not pebble.letsencrypt.org' \
	    "$scene/caa"
}
is "test tells where the record goes" \
	grep -q 'TXT goes to .* in zone shop.test' "$scene/looked"
is "a CA that CAA shuts out is found" caa_found

# --- somebody else's value at the same name --------------------------------------
printf 'server %s\nzone shop.test\nupdate add %s 60 TXT "theirs"\nsend\n' \
	"$ns1" _acme-challenge.shop.test |
	nsupdate -k "$dns_home/sha256.key" || bail "nsupdate"
renew shop.test
is "renewed beside another's value" within 40 newest_is shop.test 2
alone() { [ "$(dns_txt "$ns1" _acme-challenge.shop.test)" = '"theirs"' ]; }
is "which stays alone" within 20 alone

# --- kill -9 between publish and withdraw ------------------------------------------
renew two.test
waits() { ! nothing_left "$ns1" two.test; }
is "a record is there" within 20 waits
kill -9 "$(role_pid engine)"
is "after kill -9 it is issued" within 60 newest_is two.test 2
is "and nothing is left" within 30 nothing_left "$ns1" two.test
same "once" "$(about two.test .newest.version)" 2

is "it ends within 5 s" everleafd_stop
is "no secret is in the log" sh -c '! grep -q "$1" "$2"' - \
	"$(key_part sha256 secret)" "$scene/log/everleafd"
system_end
