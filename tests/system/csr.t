#!/bin/sh
# A key that never comes to us (csr-file): ordered for the CSR, installed
# without a key, served by an nginx that has its own, proved, renewed, and
# ordered anew when the CSR is another one.
top=$(cd "$(dirname "$0")/../.." && pwd)
. "$top/tests/lib/all.sh"
name=own.example
system_begin 7776000
key=$scene/own.key
csr=$scene/own.csr

nginx_tls() {	# nginx_tls NAME DIR: with the key that we do not have
	cat <<-EOF
	 server {
	  listen 127.0.0.1:$tls_port ssl; server_name $1;
	  ssl_certificate $2/fullchain.pem; ssl_certificate_key $key;
	  location / { return 200 "$1\n"; }
	 }
	EOF
}
new_csr() {	# new_csr KEY CSR NAME...
	local k c
	k=$1 c=$2
	shift 2
	openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
		-keyout "$k.new" -out "$c" -subj / \
		-addext "subjectAltName=$(printf 'DNS:%s,' "$@" | sed 's/,$//')" \
		2>/dev/null && mv "$k.new" "$k" && chmod 644 "$c"
}
base() { conf_head; conf_nginx; }
wish() {	# wish TITLE [LINE]...
	echo "certificate \"$1\" {"
	echo "    csr-file = \"$csr\""
	echo '    services = "nginx"'
	shift
	printf '    %s\n' "$@"
	echo '}'
}
is_for_key() {	# the certificate is for the key that nginx has
	[ "$(openssl x509 -in "$live/$name/cert.pem" -noout -pubkey)" = \
		"$(openssl pkey -in "$key" -pubout)" ]
}
files() { (cd "$live/$name/" && echo ./* | sed 's|\./||g'); }
says() {	# says WORDS COMMAND...
	local words
	words=$1
	shift
	"$@" >"$scene/said" 2>&1
	grep -q -e "$words" "$scene/said" || { diag <"$scene/said"; return 1; }
}
trial() { "$prefix/sbin/everleafd" -t -c "$scene/trial.conf"; }
refused() {	# refused WORDS: of the configuration on stdin
	cat >"$scene/trial.conf"
	says "trial.conf:[0-9]*: .*$1" trial
}

is "somebody makes a key and a CSR" new_csr "$key" "$csr" $name www.$name

# What can be wrong with it, before anything is asked of anybody.
{ base; wish $name; } >"$scene/trial.conf"
is "names that are not written are the CSR's" \
	says "names *= {\"$name\", \"www.$name\"}" \
	"$prefix/sbin/everleafd" -T -c "$scene/trial.conf"
refuses() {	# refuses FINDING WORDS LINE...: a wish that is refused
	local finding words
	finding=$1 words=$2
	shift 2
	{ base; wish $name "$@"; } >"$scene/trial.conf"
	is "$finding" says "trial.conf:[0-9]*: .*$words" trial
}
refuses "other names are told one by one" "the CSR asks for www.$name, and \
not for api.$name" "names = {\"$name\", \"api.$name\"}"
refuses "key-type is no business of ours" "key-type does not go with csr-file" \
	"names = {\"$name\", \"www.$name\"}" 'key-type = "rsa-2048"'
mv "$csr" "$csr.good"
refuses "no file" 'No such file'
echo hello >"$csr"
refuses "no CSR in it" 'it holds no CSR'
cp "$key" "$csr"
refuses "a private key in its place" 'it holds a private key and no CSR'
openssl req -in "$csr.good" -outform DER | head -c 200 >"$csr"
refuses "half a CSR" 'it is no CSR'
openssl req -in "$csr.good" -outform DER >"$csr"
printf '\377' | dd of="$csr" bs=1 seek="$(($(stat -c %s "$csr") - 1))" \
	conv=notrunc 2>/dev/null
refuses "a signature that is not its key's" 'is not signed with its own key'
openssl req -new -newkey rsa:1024 -nodes -keyout "$scene/weak" -subj "/CN=$name" \
	-out "$csr" 2>/dev/null
refuses "a weak key" 'too weak (RSA of 1024 bits)'
cp "$csr.good" "$csr"
chmod 666 "$csr"
refuses "a file that others may write" 'writable by others'
chmod 644 "$csr"
if [ "$(id -u)" -eq 0 ]; then
	chown 4711 "$csr"
	refuses "names are not somebody else's to choose" \
		'belongs to uid 4711: .*chooses the names.*Write names'
	{ base; wish $name "names = {\"$name\", \"www.$name\"}"; } \
		>"$scene/trial.conf"
	is "a key is" says 'configuration is good' trial
	is "with a warning" says 'chooses the key' trial
	chown 0 "$csr"
fi

# A reader of CSRs that hangs: one deadline, and who has names goes on.
hung=$scene/hung
mkdir "$hung"
cp "$prefix/sbin/everleafd" "$hung/"
ln -s "$(dirname "$(find "$prefix" -name everleaf-engine)")/"everleaf-* "$hung/"
rm "$hung/everleaf-verifier"
printf '#!/bin/sh\nexec sleep 100\n' >"$hung/everleaf-verifier"
chmod 755 "$hung/everleaf-verifier"
hung_trial() { timeout 18 "$hung/everleafd" -t -c "$scene/trial.conf"; }
new_csr "$scene/other.key" "$scene/other.csr" other.example
{
	base
	wish $name "names = {\"$name\", \"www.$name\"}"
	wish other.example 'names = "other.example"' |
		sed "s|$csr|$scene/other.csr|"
} >"$scene/trial.conf"
is "a reader that hangs costs nobody his names" \
	says 'configuration is good' hung_trial
same "each is warned of, and one was waited for" \
	"$(grep -c 'trial.conf:[0-9]*: .*does not answer' "$scene/said")" 2
{ base; wish $name; } >"$scene/trial.conf"
isnt "without names nobody knows what to order" hung_trial

# Issued, installed, served, proved.
{ base; wish $name; } >"$conf"
nginx_conf "$run" "$live"
is "nginx runs, for port 80" nginx_start
is "the daemon starts" everleafd_start
is "its files are there" within 40 test -s "$live/$name/fullchain.pem"
same "they are the certificate's alone" "$(files)" \
	"cert.pem chain.pem csr.der fullchain.pem meta.json"
is "it is for the key that nginx has" is_for_key
same "it is the first version" "$(about $name .newest.version)" 1
nginx_conf "$run" "$live" $name
is "nginx serves it with that key" nginx_again
is "everleaf deploy proves it" everleaf deploy $name
is "version 1 is served" within 30 serves $name 1
same "the state is one word" "$(about $name .state)" served
same "no path of a key is told" "$(about $name .paths.privkey)" null
same "the wish names the CSR" "$(about $name .wanted.csr_file)" "$csr"
is "show says whose key it is" says "key yours (csr-file $csr)" \
	everleaf show $name
isnt "no key was made for it" events_of $name key.next

# Renewed for the same CSR; a key is not ours to make.
is "a renewal is ordered" renew $name
is "version 2 is served" within 60 serves $name 2
is "for the same key" is_for_key
isnt "a new key is refused" everleaf renew $name --new-key --force
is "in plain words" says 'key of own.example is yours' \
	everleaf renew $name --new-key --force
isnt "revoked as compromised it can't be replaced" \
	everleaf revoke $name --reason key-compromise
is "which is said" says 'Make a new key and a CSR' \
	everleaf revoke $name --reason key-compromise
same "so it was not" "$(about $name .newest.version)" 2

# Another CSR: like other names.
is "nothing has changed" says 'no change\|nothing' everleaf reload
same "nothing is ordered" "$(pebble_issued)" 2
cp "$csr" "$csr.old"
new_csr "$scene/other.key" "$csr" $name
is "a CSR that does not fit is told by config check" says \
	"is that of certificate\|csr-file\|names" everleaf config check
new_csr "$scene/other.key" "$csr" $name www.$name
cp "$scene/other.key" "$key"
is "config check tells that it is another one" says \
	'csr-file has another content; a new version is ordered now' \
	everleaf config check
is "it is taken" everleaf reload
is "version 3 is served" within 60 serves $name 3
is "for the new key" is_for_key
echo nothing >"$csr"
is "a bad one is told, with file and line" says \
	'everleaf.conf:[0-9]*: certificate .* goes on .*csr-file = ".*holds no' \
	everleaf reload
is "and in the status" says 'everleaf.conf:[0-9]*: .* its last good CSR: ' \
	everleaf status
cp "$scene/own.csr.good" "$csr.unused"
is "the old one goes on" served $name

# H1 An inventory that was lost knows it from the files.
is "it ends within 5 s" everleafd_stop
new_csr "$scene/third.key" "$csr" $name www.$name
cp "$scene/third.key" "$key"
rm -f "$state"/db/everleaf.db*
is "H1 it starts without its inventory" everleafd_start
is "what is installed is known" within 20 newest_is $name 3
is "the CSR has changed meanwhile: version 4 is served" \
	within 60 serves $name 4
is "for the third key" is_for_key
is "it ends again" everleafd_stop

# Bytes that were read before need no reader: it starts with one that hangs.
sound=$prefix
mkdir -p "$scene/hang/sbin" "$scene/hang/bin"
ln -s "$hung/everleafd" "$scene/hang/sbin/everleafd"
ln -s "$sound/bin/everleaf" "$scene/hang/bin/everleaf"
prefix=$scene/hang
is "it starts without looking again" everleafd_start
is "and ends" everleafd_stop
prefix=$sound

rm -f "$state"/db/everleaf.db*
is "H1 without a change" everleafd_start
is "it is served as before" within 30 state_is $name served
same "nothing was ordered" "$(pebble_issued)" 4
same "and it has still no key" "$(about $name .newest.key_type)" csr

# L1 Whoever has the file of one certificate can keep no other from anything,
# nor the daemon from starting: each fault while it does not run.
{
	base
	wish $name "names = {\"$name\", \"www.$name\"}"
	conf_wish second.example '{}'
} >"$conf"
is "another certificate beside it" everleaf reload
is "which is issued" within 60 newest_is second.example 1
cp -p "$csr" "$csr.sound"
sound() { rm -f "$csr"; cp -p "$csr.sound" "$csr"; }
wished() { about "$1" .state | grep -qvx 'retired\|null'; }
kept_csr() {	# kept_csr N: the status says so of the first
	everleaf --json status | jq -e --arg name $name --argjson n "$1" \
		'.config.problems | length == 1 and
		.[0].certificate == $name and .[0].kept == $n' >/dev/null
}
survives() {	# survives WHAT KEPT
	isnt "$1: -t refuses it" "$prefix/sbin/everleafd" -t -c "$conf"
	is "$1: it starts" everleafd_start
	is "$1: the status tells" within 20 kept_csr "$2"
	is "$1: the other is wished" wished second.example
	is "$1: the first is, too" within 20 state_is $name served
	is "$1: and has its files" test -s "$live/$name/csr.der"
}
is "it ends" everleafd_stop
rm "$csr"
survives "no CSR" 1
is "a reload goes on, too" everleaf reload
is "it ends" everleafd_stop
: >"$csr"
survives "an empty one" 1
is "it ends" everleafd_stop
new_csr "$scene/evil.key" "$csr" other.example
survives "other names" 1
is "a renewal is ordered" renew $name
is "for the CSR that was good" within 60 serves $name 5
is "and its key" is_for_key
is "it ends" everleafd_stop
sound
chmod 666 "$csr"
[ "$(id -u)" -ne 0 ] || chown 4711 "$csr"
survives "a file for everybody" 1
is "it ends" everleafd_stop
rm "$state/conf.last"
survives "and nothing known of before" 0
is "which is no end of reloads" everleaf reload
is "it is still not retired" wished $name
sound
is "put right it is as it was" everleaf reload
isnt "and not told of" kept_csr 0
is "served" within 20 state_is $name served

# Away with it: the key is ours again. (nginx still names the user's.)
{ base; conf_wish $name '{}'; } >"$conf"
is "without csr-file" everleaf reload
is "a version with a key of ours is installed" within 60 pair_matches $name
same "with all files" "$(files)" "cert.pem chain.pem combined.pem \
fullchain.pem meta.json privkey.pem"
isnt "no key is in the log" grep -rq 'PRIVATE KEY' "$scene/log/everleafd"
is "no file is left over" no_litter
is "it ends within 5 s" everleafd_stop
system_end
