#!/bin/bash
# The command against a daemon in other hands, which says itself what many
# certificates are: a person sees their titles, and --yes does not speak for
# what is on no disk.
set -u
tmp=$(mktemp -d "${TMPDIR:-/tmp}/everleaf-revoke.XXXXXX") || exit 99
server=
cleanup() {
	[ -z "$server" ] || kill "$server"
	rm -rf "$tmp"
}
trap cleanup EXIT
n=0
ok() {	# ok WHAT COMMAND...
	local what=$1
	shift
	n=$((n + 1))
	if "$@"; then
		echo "ok $n - $what"
	else
		echo "not ok $n - $what"
		cat "$tmp/out" "$tmp/err" "$tmp/log" | sed 's/^/# /'
	fi
}
isnt() { ! "$@"; }

# Its API, and the socket of a master, whose answers are good; what master is
# asked is in the log, one kind a line (1: to arm).
cat >"$tmp/server.py" <<'END'
import array, http.server, json, os, socket, socketserver, sys, threading
from urllib.parse import urlsplit, parse_qs
folder = sys.argv[1]
one = {'name': 'bank.example', 'state': 'served', 'id': '000000000000003f',
       'newest': {'version': 9}, 'revocations': []}
class H(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    def address_string(self): return ''
    def log_message(self, *a): pass
    def many(self, q):
        if 'service' not in q:
            return [one, {'name': None, 'state': None}]
        return [dict(one, name='c%d.example' % i) for i in range(302)]
    def answer(self):
        u = urlsplit(self.path)
        self.rfile.read(int(self.headers.get('Content-Length', 0)))
        if u.path == '/v1/certificates':
            return {'certificates': self.many(parse_qs(u.query)),
                    'next': None}
        if u.path == '/v1/events':
            return {'events': [], 'next': 1}
        if u.path.endswith('/revoke'):
            return {'versions': [{'version': 9, 'sha256': 'ab' * 32}],
                    'lines': []}
        return dict(one, name=u.path.split('/')[-1])
    def any(self):
        body = json.dumps(self.answer()).encode()
        self.send_response(200)
        self.send_header('Content-Type', 'application/json')
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    do_GET = do_POST = any
def master(s):
    while True:
        c = s.accept()[0]
        with c:
            asked = c.recv(64)
            with open(folder + '/log', 'a') as f:
                print(asked[5], file=f)
            pass_on = []
            if asked[5] == 4:
                fd = os.open(folder, os.O_PATH)
                pass_on = [(socket.SOL_SOCKET, socket.SCM_RIGHTS,
                            array.array('i', [fd]))]
            c.sendmsg([(b'EVOP\1').ljust(512, b'\0')], pass_on)
            if pass_on:
                os.close(fd)
s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
s.bind(folder + '/master.sock')
s.listen(16)
threading.Thread(target=master, args=(s,), daemon=True).start()
class S(socketserver.ThreadingUnixStreamServer): daemon_threads = True
api = S(folder + '/s', H)
open(folder + '/ready', 'w').close()
api.serve_forever()
END
: >"$tmp/log"
timeout 120 python3 "$tmp/server.py" "$tmp" 2>"$tmp/server.err" &
server=$!
for _ in $(seq 100); do [ -e "$tmp/ready" ] && break; sleep 0.1; done
run() {
	: >"$tmp/log"
	timeout 30 "$TOP_BUILDDIR/everleaf" --socket "$tmp/s" revoke "$@" \
		>"$tmp/out" 2>"$tmp/err" </dev/null
	code=$?
}
armed() { grep -qx 1 "$tmp/log"; }
asked() { grep -qx "$1" "$tmp/log"; }
before() {	# before LINE WORDS: in this order
	sed -n "/$2/q;p" "$tmp/err" | grep -qxF -e "$1"
}

run --label a
ok 'nobody is asked, nothing is done' test "$code" -eq 2
ok 'the title that the daemon has chosen is told before' \
	before '  bank.example' 'would be revoked'
ok 'nothing is allowed' isnt armed

run --all --at-once --yes --no-wait
ok 'with --yes it is told, too' grep -qx '  bank.example' "$tmp/err"
ok 'its files were looked at' asked 4
ok 'what is on no disk is not allowed by it' isnt armed
ok 'but has to be named' grep -q 'version 9 is not among its files any more.*everleaf revoke bank.example$' "$tmp/err"
ok 'that is no success' test "$code" -eq 1

run --all --at-once --yes --no-wait --json
ok 'JSON is all there is on standard output' \
	python3 -m json.tool "$tmp/out" /dev/null
ok 'nothing is allowed there either' isnt armed

run --service x
ok 'of very many the first are told' test "$(grep -c '^  c' "$tmp/err")" -eq 300
ok 'how many more there are' before \
	'  ... and 2 more, which are all in: everleaf list --service x' \
	'302 certificates would be revoked'

run bank.example --at-once --yes --no-wait
ok 'who names it can allow it' armed
ok 'and is told of it' grep -q 'has the SHA-256 abab' "$tmp/err"
echo "1..$n"
