#!/bin/sh
# Table D: what comes instead of a certificate. All rows at once, one CA each.
top=$(cd "$(dirname "$0")/../.." && pwd)
. "$top/tests/lib/all.sh"
hostile_begin d
everleafd_start || bail "no daemon: $(everleafd_last)"
idle_kb=$(engine_peak_kb)

is "a good CA's certificate is issued meanwhile" within 30 issued good

findings <<'ROWS'
d1|D1 certificate for another key|cert-bad|another key than was asked for
d2-missing|D2 a name is missing|cert-bad|lacks the name www.d2-missing.example
d2-extra|D2 a name too many|cert-bad|evil.example, which was not asked for
d2-other|D2 other names|cert-bad|lacks the name
d2-cn|D2 name in the CN only|cert-bad|lacks the name
d2-case|D2 names in capitals|issued
d3-expired|D3 has expired|cert-bad|expired at
d3-tomorrow|D3 begins tomorrow|clock|begins only at
d3-half-hour|D3 begins in half an hour|issued
d3-backwards|D3 ends before it begins|cert-bad|ends before it begins
d3-second|D3 lives for a second|cert-bad|expire
d3-ten-years|D3 lives for ten years|issued
d4-empty|D4 empty chain|cert-bad|no certificate in it
d4-newline|D4 newline only|cert-bad|no certificate in it
d4-begin|D4 BEGIN only|cert-bad|a block that is no certificate
d4-trusted|D4 TRUSTED CERTIFICATE|cert-bad|something else than certificates
d4-key|D4 private key in the chain|cert-bad|something else than certificates
d4-nul|D4 NUL inside|cert-bad|a block that is no certificate
d4-der|D4 DER|cert-bad|something else than certificates
d4-before|D4 text before|cert-bad|something else than certificates
d4-crlf|D4 CRLF|issued
d4-no-end|D4 no newline at the end|issued
d4-long-lines|D4 long lines|issued
d5-many|D5 20000 certificates|ca-protocol|longer than
d5-eleven|D5 eleven certificates|cert-bad|too many certificates
d5-loop|D5 two CAs that vouch for each other|issued
d5-twice|D5 leaf twice|issued
d5-backwards|D5 leaf is not first|issued
d5-root|D5 root is in it|issued
d5-stranger|D5 chain of somebody else|cert-bad|signed by none of those
d6-blob|D6 blob of 3 MB|ca-protocol|longer than
d6-blob-fits|D6 blob that fits|cert-bad|a block that is no certificate
d6-begins|D6 4500 BEGIN lines|cert-bad|a block that is no certificate
d6-junk|D6 30 MB of junk|ca-protocol|longer than
d7-serial|D7 serial number of 20 bytes|issued
d7-no-aki|D7 no authority key identifier|issued
d7-critical|D7 extension that nobody knows|issued
d7-2055|D7 ends after 2049|issued
d8|D8 first certificate|issued
ROWS

live_is() {	# live_is ROW COUNT: so many certificates in fullchain.pem
	[ "$(grep -c 'BEGIN CERTIFICATE' "$live/$1.example/fullchain.pem")" \
		-eq "$2" ]
}
canonical() {	# nothing but blocks with lines of 64 characters
	! grep -qvE '^([A-Za-z0-9+/]{1,64}=*|-----(BEGIN|END) CERTIFICATE-----)$' \
		"$live/$1.example/fullchain.pem"
}
for row in d4-crlf d4-no-end d4-long-lines; do
	is "D4 $row is written as all others are" within 20 canonical $row
done
is "D5 the leaf is there once" within 20 live_is d5-twice 2
is "D5 the root is left out" within 20 live_is d5-root 2
is "D5 the circle is cut" within 20 live_is d5-loop 2
is "D5 the leaf comes first" within 20 pair_matches d5-backwards.example

# The same chain again, for a new order.
before=$(leaf_sha <"$live/d8.example/fullchain.pem")
is "D8 a renewal" renew d8.example
is "D8 the CA gives the old certificate again: it is refused" \
	fails d8 cert-bad "another key"
same "D8 the one in use stays" \
	"$(leaf_sha <"$live/d8.example/fullchain.pem")" "$before"
is "D1 no loop: one order in the first minute" asked_at_most d1 order 2
is "D3 nor for a certificate that has ended before it came" \
	asked_at_most d3-second order 2
no_bad_requests
is "all that moved the engine's memory by less than 24 MiB" \
	test $(($(engine_peak_kb) - idle_kb)) -lt 24576
echo "$(($(engine_peak_kb) - idle_kb)) KiB, $(engine_cpu_ms) ms of CPU" | diag
is "the daemon is alive" alive everleafd
is "no file is left over" no_litter
is "it ends within 5 s" everleafd_stop
hostile_end
