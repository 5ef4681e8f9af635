#!/bin/sh
# A CA that binds accounts, by each algorithm, and all that can be wrong with a
# binding: said for each, mended by a reload; the key's file may go once the
# account is there.
top=$(cd "$(dirname "$0")/../.." && pwd)
. "$top/tests/lib/all.sh"
pebble_binds=true
# 64 bytes: long enough for each algorithm
good=zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W
good=${good}AAECAwQFBgcICQoLDA0ODw
pebble_mac=$good
system_begin 7776000 PEBBLE_WFE_NONCEREJECT=0
secret() {	# secret NAME VALUE: a file for it
	printf '%s\n' "$2" >"$etc/$1.eab"
	chmod 600 "$etc/$1.eab"
}
cert_of() {	# cert_of NAME KID [ALGORITHM]: a CA and what it is to issue
	cat <<-END

	ca "$1" {
	    directory    = "$ca_url"
	    trust-file   = "$ca_trust"
	    eab-kid      = "$2"
	    eab-key-file = "$etc/$1.eab"
	    eab-algorithm = ${3:-hs256}
	}
	certificate "$1" {
	    names = "$1.example"
	    ca    = "$1"
	}
	END
}
write_conf() {	# write_conf KID: of what is wrong at first
	{
		echo "http-listen = \"127.0.0.1:$http_port\""
		conf_head
		cert_of kid "$1"
		for n in mac right; do
			cert_of $n kid-1
		done
		for n in hs384 hs512; do
			cert_of $n kid-1 $n
		done
		cert_of short kid-1 hs384
	} >"$conf"
}
code_is() { [ "$(about "$1" .issuance.error.code)" = eab-needed ]; }
text_is() { about "$1" .issuance.error.text | grep -q "$2"; }
registered() { grep -c 'accounts in memory' "$scene/log/pebble"; }

in_force() { everleaf ca show "$1" >/dev/null 2>&1; }
tries() {	# tries CODE CA WORDS: test ca ends so, and says that
	everleaf test ca "$2" >"$scene/tried" 2>&1
	[ $? = "$1" ] && grep -qF -e "$3" "$scene/tried" && return
	diag <"$scene/tried"
	return 1
}
secret right "$good"
secret kid "$good"
secret hs384 "$good"
secret hs512 "$good"
secret mac "$(printf %s "$good" | tr A-Za-z a-zA-Z)"
secret short "$(printf %s "$good" | cut -c 1-60)"
write_conf kid-9
is "the daemon starts" everleafd_start
is "a key that fits binds" within 20 state_is right valid
for n in hs384 hs512; do
	is "by $n, too" within 20 state_is $n valid
done
line=$(grep -n '^ca "short"' "$conf" | cut -d : -f 1)
is "a key too short for its algorithm: the log names file and line" grep -qF \
	"everleaf.conf:$line: ca \"short\": $etc/short.eab: its key has 45" \
	"$scene/log/everleafd"
for n in kid mac short; do
	is "$n: the CA wants another binding" within 20 code_is $n
done
is "an unknown name of a key: the CA's words are told" text_is kid "'kid' references"
diagnose=$(about kid .issuance.error.text; about mac .issuance.error.text)
printf '%s\n' "$diagnose" | diag
same "those that fit have an account, nobody else" "$(registered)" 3
for n in kid mac short; do
	same "$n: nothing came of it" "$(about $n .newest.version)" 0
done

secret mac "$good"
secret short "$good"
write_conf kid-1
is "all are put right" everleaf reload
for n in kid mac short; do
	renew $n
	is "$n: it is issued" within 20 newest_is $n 1
done
same "each has its account" "$(registered)" 6

printf 'ca "none" {\n    directory = "%s"\n    trust-file = "%s"\n}\n' \
	"$ca_url" "$ca_trust" >>"$conf"
is "a block without a binding is read" everleaf reload
is "and in force" within 20 in_force none
is "test ca: it wants one" tries 1 none \
	'Get a key there, and add to ca "none": eab-kid and eab-key-file'
is "test ca: one that is bound is well" tries 0 right ": valid"
same "nobody has made an account" "$(registered)" 6
rm "$etc"/*.eab
is "it ends" everleafd_stop
is "it starts without the files" everleafd_start
for n in kid mac right; do
	renew $n
	is "$n is renewed" within 20 newest_is $n 2
done
same "with the accounts there are" "$(registered)" 6
isnt "the key is in no log" grep -rqF "$good" "$scene/log"
is "it ends within 5 s" everleafd_stop
system_end
