#!/bin/bash
# The operator's own socket: master, keeper and token are the real ones, the
# others are stubs. What is armed and imported, who may, what is refused; and the
# secrets that files of the configuration hold.
. "$TOP_SRCDIR/tests/lib/tap.sh"

box=$(mktemp -d "${TMPDIR:-/tmp}/everleaf-operator.XXXXXX") || exit 99
pid=
finish() {
	[ -z "$pid" ] || kill -9 "$pid" 2>/dev/null
	rm -rf "$box"
}
trap finish EXIT
chmod 755 "$box"
mkdir "$box/bin"
cp "$TOP_BUILDDIR/everleafd" "$TOP_BUILDDIR/everleaf-keeper" \
	"$TOP_BUILDDIR/everleaf-token" "$box/bin/"
for role in engine responder verifier; do
	cp "$TOP_BUILDDIR/tests/system/stub" "$box/bin/everleaf-$role" ||
		bail "the stub is not built"
done
cp "$TOP_BUILDDIR/tests/system/operator" "$box/bin/"
log=$box/log
mkdir -p "$box/state/db"
echo "export acc" >"$box/state/db/script"
cat >"$box/everleaf.conf" <<CONF
agree-tos = true
state-dir = "$box/state"
run-dir   = "$box/run"
api-group = ""
certificate "shop.example" { }
ca "one" {
    directory    = "https://ca.example:14000/dir"
    eab-kid      = "kid"
    eab-key-file = "$box/one.eab"
}
ca "two" {
    directory    = "https://two.example/dir"
    eab-kid      = "kid"
    eab-key-file = "$box/two.eab"
}
ca "three" {
    directory    = "https://three.example/dir"
    eab-kid      = "kid"
    eab-key-file = "$box/three.eab"
}
ca "four" {
    directory    = "https://four.example/dir"
    eab-kid      = "kid"
    eab-key-file = "$box/four.eab"
}
ca "five" {
    directory    = "https://five.example/dir"
    account-key  = "handle:0x81000001"
}
dns "bind" {
    server   = "127.0.0.1"
    key-file = "$box/bind.key"
}
dns "again" {
    server   = "127.0.0.1"
    key-file = "$box/again.key"
}
CONF
# The second has the bytes of a CA's key.
for f in bind again; do
	printf 'key "%s" {\n\talgorithm hmac-sha256;\n\tsecret "%s";\n};\n' $f \
		"$([ $f = bind ] && echo AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA= ||
		echo '+/NDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQw==')" \
		>"$box/$f.key"
	chmod 600 "$box/$f.key"
done
# 48 bytes with both odd letters and padding of a CA that prints base64; one
# that others may read; none at all; one that is cut short.
printf '%s\n' '+/NDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQw==' \
	>"$box/one.eab"
echo zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W \
	>"$box/two.eab"
echo zWNDZM6e >"$box/four.eab"
chmod 600 "$box"/*.eab
chmod 644 "$box/two.eab"

logged() { local i; for i in $(seq 100); do
	grep -q -- "$1" "$log" && return; sleep 0.1; done; return 1; }
within_log() {	# within_log LINE [TIMES]: what the engine was answered
	local i
	for i in $(seq 150); do
		[ "$(grep -cx -- "$1" "$box/state/db/log")" -ge "${2:-1}" ] &&
			return
		sleep 0.1
	done
	return 1
}
armed() { local i; for i in $(seq 50); do
	grep -qx armed "$box/taken" && return; sleep 0.1; done; return 1; }
operator() { "$box/bin/operator" "$box/run" "$@" 2>>"$box/words"; }
up() { local i; for i in $(seq 100); do
	[ "$(operator disarm 3 1 0 0)" = ok ] && return; sleep 0.1; done
	return 1; }
child() {	# child ROLE: its process
	local c
	for c in $(cat "/proc/$pid/task/$pid/children"); do
		tr '\0' '\n' <"/proc/$c/cmdline" | head -n 1 |
			grep -q -- "-$1\$" && echo "$c"
	done
}

"$box/bin/everleafd" -d -c "$box/everleaf.conf" 2>"$log" &
pid=$!
is 'the socket answers' up || tail -n 20 "$log"
same 'it is for its owner only' "$(stat -c %a "$box/run/master.sock")" 600
is 'an engine that nobody has asked gets no key out' within_log \
	'1 failed needs-operator 0 0'
same 'a revocation is armed' "$(operator arm 1 3f 4 600)" ok
same 'and disarmed' "$(operator disarm 1 3f 4 0)" ok
same 'a change of key is armed' "$(operator arm 2 acc 0 1 one)" ok
same 'at a ca that there is' "$(operator arm 2 acc 0 1 nope)" no-such
is 'the token is up' operator arm 3 acc 0 600 five
kill -STOP "$(child token)"
same 'leave where the key is in the keeper is not for the token' \
	"$(timeout 5 "$box/bin/operator" "$box/run" arm 3 acc 0 600 one)" ok
same 'nor is that for a key in a token for the keeper' \
	"$(timeout 2 "$box/bin/operator" "$box/run" arm 3 acc 0 600 five)" ''
kill -CONT "$(child token)"
same 'it is for the token' "$(operator arm 3 acc 0 600 five)" ok
is 'and at which CA' grep -q \
	'allows change of the key of account 0000000000000acc version 0 at one ' \
	"$log"
is 'the log says who did what' grep -q \
	'allows revocation of certificate 000000000000003f version 4 for 600 s' \
	"$log"
same 'what is no request ends the connection' \
	"$(head -c 64 /dev/zero | operator raw)" 'hung up'
same 'so does a long one' "$(head -c 65 /dev/zero | operator raw)" 'hung up'
same 'an act that there is not' "$(printf 'EVOP\1\1\11%057d' 0 |
	tr 0 '\0' | operator raw)" 'hung up'
same 'an import without its file' "$(printf 'EVOP\1\3%058d' 0 |
	tr 0 '\0' | operator raw)" 'hung up'

same 'root is handed the folder of the files' "$(operator files |
	grep -xE 'live|certs' | sort | tr '\n' ' ')" 'certs live '

# --- keys ---
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 \
	-out "$box/ec.pem" 2>/dev/null
openssl pkey -in "$box/ec.pem" -aes256 -passout pass:x -out "$box/locked.pem"
head -c 70000 /dev/zero >"$box/huge"
mkfifo "$box/fifo"
same 'an account key is sealed' "$(operator import one acc 0 "$box/ec.pem")" \
	'sealed 200 public 91'
same 'a certificate key is sealed' "$(operator import '' 3f 4 "$box/ec.pem")" \
	'sealed 174 public 91'
same 'a ca that there is not' "$(operator import nope acc 0 "$box/ec.pem")" \
	no-such
same 'D10 a locked key' "$(operator import one acc 0 "$box/locked.pem")" invalid
same 'D10 a huge one' "$(operator import one acc 0 "$box/huge")" invalid
same 'D10 a FIFO' "$(operator import one acc 0 "$box/fifo")" invalid
same 'D10 a directory' "$(operator import one acc 0 "$box")" invalid

# An operator is on the line; the engine names another account, then hands on
# what is none of this one's.
operator export one acc 15 >"$box/taken" &
taker=$!
is 'an operator arms an export and stays' armed
printf 'export bcc\nexport acc\n' >"$box/state/db/script"
kill -9 "$(child engine)"
is 'the leave is for one account' within_log '1 failed needs-operator 0 0' 2
is 'and for what was sealed for it' within_log '2 failed seal 0 0'
same 'so no key has come' "$(cat "$box/taken")" armed
kill "$taker"
wait "$taker" 2>/dev/null
isnt 'no word of a key anywhere' grep -rq 'PRIVATE KEY' "$log" "$box/words"

# --- who may ---
if [ "$(id -u)" -eq 0 ]; then
	chmod 711 "$box/run"
	nobody() { setpriv --reuid=nobody --regid=nogroup --clear-groups \
		"$box/bin/operator" "$box/run" arm 3 1 0 1 one 2>/dev/null; }
	same 'nobody else gets in' "$(nobody)" no-permission
	chmod 666 "$box/run/master.sock"
	isnt 'not even past the mode of the file' nobody
	chmod 600 "$box/run/master.sock"
else
	skip 'nobody else gets in' 'not root'
	skip 'not even past the mode of the file' 'not root'
fi

# --- secrets ---
is 'L6 a file that others may read is named' logged \
	'two.eab: readable by others (mode 0644)'
is 'L6 a short key is refused' logged 'four.eab: its key has 6 bytes'
is 'a file that is gone is a remark' logged 'three.eab is not there'
is 'a TSIG key that is a CA'"'"'s is refused' logged \
	'secret of dns "again": a block of another kind has the same one'
isnt 'a TSIG key is taken' grep -q 'dns "bind"' "$log"
isnt 'L6 base64 with padding is taken' grep -q 'ca "one"' "$log"
isnt 'no secret is in the log' grep -qE 'zWNDZM6e|NDZM6eQG' "$log"

# --- deaths ---
kill -9 "$(child keeper)"
is 'a new keeper answers' up
same 'nothing is armed in it, and can be' "$(operator arm 3 acc 0 600 one)" ok
kill -TERM "$pid"
wait "$pid"
same 'it ends' $? 0
isnt 'the socket is gone' test -e "$box/run/master.sock"
pid=
tap_done
