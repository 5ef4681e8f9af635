#!/bin/sh
# A CA with three chains for each certificate: the one that is wished for, by
# the name of its root or by the SHA-256 of a certificate in it, is installed;
# if there is none, the default is, and that is said.
top=$(cd "$(dirname "$0")/../.." && pwd)
. "$top/tests/lib/all.sh"
system_begin 7776000 PEBBLE_ALTERNATE_ROOTS=2 PEBBLE_CHAIN_LENGTH=2
for n in 0 1 2; do
	pebble_root $n >"$scene/root-$n"
	pebble_intermediate $n >"$scene/intermediate-$n"
done
title() {	# title FILE: its common name
	openssl x509 -in "$1" -noout -subject -nameopt multiline |
		sed -n 's/^ *commonName *= //p'
}
wish() {	# wish TITLE CHAIN
	cat <<-END

	certificate "$1" {
	    names           = "$1.example"
	    preferred-chain = "$2"
	}
	END
}
sha=$(leaf_sha <"$scene/intermediate-2")
{
	echo "http-listen = \"127.0.0.1:$http_port\""
	conf_head
	wish default ""
	wish by-name "$(title "$scene/root-1")"
	wish by-sha "$sha"
	wish by-colons "$(printf %s "$sha" | tr a-f A-F |
		sed 's/../&:/g; s/:$//')"
	wish unknown "No Such Root"
	wish unknown-sha "$(printf %064d 7)"
} >"$conf"

# Up to the root of that number, and to no other.
leads_to() {	# leads_to NAME ROOT
	local n
	for n in 0 1 2; do
		openssl verify -CAfile "$scene/root-$n" \
			-untrusted "$live/$1/chain.pem" "$live/$1/cert.pem" \
			>/dev/null 2>&1
		[ "$?" -eq "$([ $n -eq "$2" ]; echo $(($? * 2)))" ] || return 1
	done
}
without() { about "$1" '.not_granted | join(",")'; }
shown() { everleaf show "$1" | grep -q 'preferred chain, which the CA did'; }

is "the roots differ" test "$(title "$scene/root-0")" != \
	"$(title "$scene/root-1")"
is "the daemon starts" everleafd_start
for n in default by-name by-sha by-colons unknown unknown-sha; do
	is "$n is installed" within 20 state_is $n valid
done
is "without a wish it is the CA's own choice" leads_to default 0
is "the one whose root has that name" leads_to by-name 1
is "the one that has a certificate of that SHA-256" leads_to by-sha 2
is "written with colons" leads_to by-colons 2
for n in default by-name by-sha by-colons; do
	same "$n: nothing is missing" "$(without $n)" ""
done
for n in unknown unknown-sha; do
	is "$n: the default is installed" leads_to $n 0
	same "$n: that is known" "$(without $n)" "the preferred chain"
	is "$n: show says so" shown $n
	same "$n: and an event" "$(events_of $n order.degraded)" 1
done
is "it ends within 5 s" everleafd_stop
system_end
