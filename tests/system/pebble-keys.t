#!/bin/sh
# Key types and whose key a renewal has: a new one, the same, or the one that
# was shown before. What a CSR may ask for beside: must-staple. And types that no
# public CA takes, nor Pebble; or that this OpenSSL does not have.
top=$(cd "$(dirname "$0")/../.." && pwd)
. "$top/tests/lib/all.sh"
types="ecdsa-p256 ecdsa-p384 rsa-2048 rsa-3072"
system_begin 7776000
{
	echo "http-listen = \"127.0.0.1:$http_port\""
	conf_head
	for n in $types rsa-4096; do
		conf_key $n key-type $n
	done
	for n in new reuse next; do
		conf_key $n key-policy $n
	done
	conf_key staple must-staple true
	conf_key ed25519 key-type experimental:ed25519
} >"$conf"
kind() {	# as in the certificate: "id-ecPublicKey 384"
	openssl x509 -in "$live/$1/cert.pem" -noout -text | awk '
		/Public Key Algorithm:/ { a = $NF }
		/Public-Key:/ { gsub(/[^0-9]/, ""); print a, $0; exit }'
}
spki() {	# SHA-256 of the public key that is installed
	openssl x509 -in "$live/$1/cert.pem" -noout -pubkey |
		openssl pkey -pubin -outform DER | sha256sum | cut -d ' ' -f 1
}
installed_is() { [ "$(about "$1" .installed.version)" -ge "$2" ]; }
next_tlsa() { everleaf show next | sed -n 's/^ *next key.*TLSA //p'; }
has_next() { [ -n "$(next_tlsa)" ]; }
now_tlsa() { everleaf show "$1" | sed -n 's/^ *key .*TLSA //p'; }
again() {	# again NAME VERSION [OPTION]
	everleaf renew "$1" --force --no-wait $3 >/dev/null &&
		within 20 installed_is "$1" "$2"
}

is "the daemon starts" everleafd_start
for n in $types; do
	is "$n is installed" within 30 state_is $n valid
	is "$n: key and certificate belong together" pair_matches $n
done
same "P-256" "$(kind ecdsa-p256)" "id-ecPublicKey 256"
same "P-384" "$(kind ecdsa-p384)" "id-ecPublicKey 384"
same "RSA 2048" "$(kind rsa-2048)" "rsaEncryption 2048"
same "RSA 3072" "$(kind rsa-3072)" "rsaEncryption 3072"

is "staple is installed" within 20 state_is staple valid
same "its certificate has the feature of RFC 7633" "$(openssl x509 -noout \
	-ext tlsfeature -in "$live/staple/cert.pem" | tr -d ' ' | tail -n 1)" \
	status_request
same "nothing is missing" "$(about staple '.not_granted | length')" 0
isnt "others do not have it" grep -q status_request <<-END
	$(openssl x509 -noout -text -in "$live/ecdsa-p256/cert.pem")
END

for n in new reuse next; do
	is "$n is installed" within 20 state_is $n valid
	eval "was_$n=$(spki $n)"
done
same "show tells the key's TLSA" "$(now_tlsa reuse)" "3 1 1 $was_reuse"
is "the next key is shown" within 20 has_next
soon=$(next_tlsa)
isnt "it is another one" test "$soon" = "3 1 1 $was_next"
for n in new reuse next; do
	is "$n is renewed" again $n 2
	is "$n: key and certificate belong together" pair_matches $n
done
isnt "new: the key is new" test "$(spki new)" = "$was_new"
same "reuse: it is the same" "$(spki reuse)" "$was_reuse"
same "next: it is the one that was shown" "3 1 1 $(spki next)" "$soon"
is "and another one is shown" within 20 has_next
isnt "which is not the same" test "$(next_tlsa)" = "$soon"

is "reuse is renewed for a new key" again reuse 3 --new-key
isnt "and has one" test "$(spki reuse)" = "$was_reuse"
was_reuse=$(spki reuse)
is "the time after that" again reuse 4
same "it keeps that" "$(spki reuse)" "$was_reuse"
was_next=$(next_tlsa)
is "next is renewed for a new key" again next 3 --new-key
isnt "which nobody has seen before" test "3 1 1 $(spki next)" = "$was_next"
why_says() { everleaf why "$1" | grep -q "$2"; }
is "ed25519: the CA's refusal is said to be about the key" within 20 why_says \
	ed25519 "the CA does not take ed25519 keys: finalizing .*Ed25519"
is "and what to do" why_says ed25519 'use key-type = ecdsa-p256'
cp "$conf" "$scene/conf"
conf_key ml key-type experimental:ml-dsa-65 >>"$conf"
tried() { "$prefix/sbin/everleafd" -t -c "$conf" 2>&1; }
if "$prefix/libexec/everleaf/everleaf-keeper" --has ml-dsa-65 >/dev/null; then
	is "ML-DSA: this OpenSSL has it" tried
else
	line=$(grep -n '^certificate "ml"' "$conf" | cut -d : -f 1)
	isnt "ML-DSA: this OpenSSL lacks it, which is an error" tried
	is "with file and line, and what has it" sh -c "'$prefix/sbin/everleafd' \
		-t -c '$conf' 2>&1 | grep ':$line: .*no ML-DSA-65; .* 3.5'"
	isnt "a reload is refused" everleaf reload
fi
cp "$scene/conf" "$conf"
is "RSA 4096 takes its time" within 120 state_is rsa-4096 valid
same "and is one" "$(kind rsa-4096)" "rsaEncryption 4096"
is "it ends within 5 s" everleafd_stop
system_end
