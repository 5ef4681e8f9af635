#!/bin/sh
# Names that are proved by standing records (dns-persist-01), and by records
# of one account (dns-account-01), at a CA that offers both. What is missing is
# told as a record to publish; where it ends too soon, a person hears of it.
# And a dns block whose program says that a zone is not its own.
top=$(cd "$(dirname "$0")/../.." && pwd)
. "$top/tests/lib/all.sh"
dns_alone "$0"
scene_begin
work_find
dns_begin || bail "no loopback"
pebble_dns=$ns1:53

# --- the server --------------------------------------------------------------
dns_key key
mkdir -p "$dns_home/ns1"
dns_zone "$dns_home/ns1" shop.test "$ns1" </dev/null
# Whoever climbs a name's tree (CAA) ends here and not at the root.
dns_zone "$dns_home/ns1" test "$ns1" </dev/null
{
	cat "$dns_home/key.key"
	cat <<-END
	zone "test" { type primary; file "test.zone"; };
	zone "shop.test" {
		type primary; file "shop.test.zone";
		update-policy { grant key zonesub TXT; };
		allow-transfer { any; };
	};
	END
} >"$scene/zones"
bind_start ns1 "$ns1" <"$scene/zones" || bail "BIND does not start"

# --- CA and daemon ------------------------------------------------------------
nginx_get "$work" || bail "no nginx"
pebble_get "$work" || bail "no Pebble"
if old_pebble; then
	echo "1..0 # SKIP needs a Pebble with dns-persist-01"
	exit 0
fi
prefix=${EVERLEAF_PREFIX:-$work/inst}
pebble_start 600 || bail "Pebble does not start"
everleaf_paths
printf '#!/bin/sh\necho "$1 $2" >>"%s"\nexit 3\n' "$scene/said-no" \
	>"$scene/not-mine"
chmod 755 "$scene/not-mine"
: >"$scene/said-no"
chmod 666 "$scene/said-no"
wish() {	# wish NAME CHALLENGES [MORE]
	printf '\ncertificate "%s" {\n challenge = {%s}\n %s\n' "${1#\*.}" \
		"$2" "${3:-}"
	printf ' names = "%s"\n probe-names = "%s"\n}\n' "$1" "${1#\*.}"
}
{
	conf_head
	cat <<-END
	resolver = "$ns1"
	dns "bind" {
	    server = "$ns1"
	    key-file = "$dns_home/key.key"
	    timeout = 40s
	}
	dns "other" {
	    program = {"$scene/not-mine"}
	    zones = {"far.shop.test", "near.shop.test"}
	}
	END
	wish both.shop.test '"dns-persist-01", "dns-01"'
	wish '*.only.shop.test' '"dns-persist-01"'
	wish soon.shop.test '"dns-persist-01"'
	wish mine.shop.test '"dns-account-01"'
	wish far.shop.test '"dns-01"'
	wish near.shop.test '"dns-01"' 'dns = "other"'
} >"$conf"
is "the daemon starts" everleafd_start || bail "$(tail -n 5 "$scene/log/everleafd")"

# --- nothing is there ----------------------------------------------------------
why() { everleaf why "$1" 2>&1 | tr -s ' \n' ' '; }
says() { why "$1" | grep -q "$2"; }
is "where no record stands the next method is tried" within 40 \
	newest_is both.shop.test 1
is "dns-account-01 proves a name" within 40 newest_is mine.shop.test 1
is "what is missing is told" within 20 says only.shop.test \
	'_validation-persist.only.shop.test has no TXT record'
everleaf test only.shop.test >"$scene/shown" 2>&1
record=$(sed -n 's/.*_validation-persist.only.shop.test. TXT "\(.*\)"$/\1/p' \
	"$scene/shown")
is "test shows the record to publish" grep -q \
	'^pebble.letsencrypt.org; accounturi=https://.*; policy=wildcard$' <<END
$record
END
is "why shows the same" says only.shop.test "$record"

# --- somebody publishes it -----------------------------------------------------
publish() {	# publish NAME TEXT
	printf 'server %s\nzone shop.test\nupdate add %s 60 TXT "%s"\nsend\n' \
		"$ns1" "_validation-persist.$1" "$2" |
		nsupdate -k "$dns_home/key.key"
}
publish only.shop.test "${record%; policy*}" || bail "nsupdate"
renew only.shop.test
sleep 2
is "one that is not for wildcards does not do" \
	state_is only.shop.test new
publish only.shop.test "$record" || bail "nsupdate"
is "test sees it" everleaf test only.shop.test
renew only.shop.test
is "a wildcard is issued by the standing record" within 40 \
	newest_is only.shop.test 1
isnt "why says no more of it" says only.shop.test 'no TXT record'

# --- one that ends soon ----------------------------------------------------------
publish soon.shop.test \
	"${record%; policy*}; persistUntil=$(($(date +%s) + 240))"
renew soon.shop.test
is "a record that ends is good until then" within 40 \
	newest_is soon.shop.test 1
warned() { everleaf --json events | grep -q '"record.warning"'; }
is "its end before the renewal after the next is an event" within 20 warned
is "and why says so" says soon.shop.test 'ends on .*before the renewal'
is "with what to do" says soon.shop.test 'later persistUntil'

# --- a program that is not responsible -------------------------------------------
is "after exit 3 the next block that fits writes the record" within 40 \
	newest_is far.shop.test 1
is "the program was asked first" grep -q \
	'^add _acme-challenge.far.shop.test$' "$scene/said-no"
is "a block that the certificate names stays the only one" within 20 \
	says near.shop.test 'not in a zone of its own'

is "nothing was written there by us" test "$(dns_left "$ns1" shop.test |
	grep -vc _validation-persist)" = 0
is "it ends within 5 s" everleafd_stop
system_end
