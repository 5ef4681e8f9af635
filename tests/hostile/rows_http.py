"""Table A: TCP, TLS and HTTP/1.1."""
import gzip
import threading
import time

from ca import URN
from wire import head, reset

PAGE = b'<html><body>Please \x1b[31mlog in\x1b[0m</body></html>'


def first(act):
    """Only the first time; from then on all is well."""
    return lambda t: act(t) if t.n == 1 else None


def a1_lines(t):
    t.send(b'HTTP/1.1 200 OK\r\n')
    return t.endless(b'X-Pad: ' + b'a' * 200 + b'\r\n')


def a1_line(t):
    t.send(b'HTTP/1.1 200 OK\r\nX-Pad: ')
    return t.endless(b'a' * 4096)


def a2(t):
    t.reply.more = ['Transfer-Encoding: chunked']
    t.send(head(t.reply, False))
    return t.endless(b'1000\r\n' + b' ' * 4096 + b'\r\n')


def a3(t):
    t.reply.more = ['Content-Length: 1000000000000']
    t.send(head(t.reply, False) + b'{}')
    return t.hang()


def a4_short(t):
    t.send(head(t.reply) + t.reply.bytes()[:-7])
    t.finish()


def a4_chunk(t):
    t.reply.more = ['Transfer-Encoding: chunked']
    t.send(head(t.reply, False) + b'fff\r\n' + t.reply.bytes())
    t.finish()


def a4_last(t):
    """The JSON is whole, but the end is not."""
    t.reply.more = ['Transfer-Encoding: chunked']
    body = t.reply.bytes()
    t.send(head(t.reply, False) + b'%x\r\n%s\r\n' % (len(body), body))
    t.finish()


def a4_garbage(t):
    t.reply.more = ['Transfer-Encoding: chunked']
    t.send(head(t.reply, False) + b'-5\r\n' + t.reply.bytes() + b'\r\n0\r\n')
    t.finish()


def a5(t):
    t.send(head(t.reply))
    return t.endless(b' ', 0.5)


def a7(t):
    return t.endless(b'HTTP/1.1 102 Processing\r\nX: y\r\n\r\n')


def a8(t):
    t.reply.body = gzip.compress(b'[' * 10 ** 7)
    t.reply.fields['Content-Encoding'] = 'gzip'


def a9_fin(t):
    raise ConnectionError


def line(text):
    """One more line in the head, as it is."""
    def act(t):
        t.reply.more.append(text)
    return act


def a13_lengths(t):
    body = t.reply.bytes()
    t.reply.more = ['Content-Length: %d' % (len(body) - 9)]
    t.send(head(t.reply) + body)
    return t.hang()


def a13_old(t):
    t.send(t.reply.bytes())
    t.finish()


def a14(t):
    t.reply.kind, t.reply.body = 'text/html', PAGE


def busy(status, kind=None, body=b'', retry=None):
    """An error that may have no problem document."""
    def act(t):
        t.reply.status, t.reply.body = status, body
        t.reply.kind = kind or 'text/html'
        if retry is not None:
            t.reply.fields['Retry-After'] = retry
    return act


def limited(status):
    body = ('{"type":"%srateLimited","detail":"Service busy; retry later."}'
            % URN).encode()
    return busy(status, 'application/problem+json', body)


def moved(status, where):
    def act(t):
        t.reply.status, t.reply.obj = status, None
        t.reply.fields['Location'] = where if '://' in where else \
            t.ca.base + where
    return act


def a16_once(t):
    if t.q.path == '/directory':
        moved(301, '/directory/moved')(t)


def a17_for_ever(t):
    t.reply.status, t.reply.kind = 400, 'application/problem+json'
    t.reply.obj = {'type': URN + 'badNonce', 'detail': 'not this one'}


def nonce(value):
    def act(t):
        if value is None:
            del t.reply.fields['Replay-Nonce']
        else:
            t.reply.fields['Replay-Nonce'] = value
    return act


def a17_two(t):
    t.reply.more = ['Replay-Nonce: another']


def a17_only_there(t):
    t.reply.fields.pop('Replay-Nonce', None)


def a18_order(t):
    t.reply.obj['identifiers'] = [{'type': 'dns', 'value': 'b.example'}]


def a18_look(t):
    t.reply.obj['finalize'] = t.ca.url('finalize', 77)


def a18_processing(t):
    """So that the order is looked at."""
    t.reply.obj['status'] = 'processing'
    t.reply.obj.pop('certificate', None)


def a20(t):
    t.send(head(t.reply) + t.reply.bytes()[:500])
    t.reset()


def garbage(sock):
    sock.sendall(b'220 mail.example ESMTP\r\n' * 40)
    time.sleep(1)


def alert(sock):
    sock.recv(4096)
    sock.sendall(b'\x15\x03\x01\x00\x02\x02\x28')


def silent(sock):
    sock.settimeout(100)
    while sock.recv(4096):
        pass


def hang_up(sock):
    sock.recv(4096)
    reset(sock)


def drip(sock):
    """A TLS record that never ends, a byte now and then."""
    sock.recv(4096)
    sock.sendall(b'\x16\x03\x03\x40\x00\x02\x00\x3f\xfc')
    for _ in range(100):
        sock.sendall(b'\0')
        time.sleep(1)


def late(seconds):
    """As those that validate, or issue, before they answer."""
    return lambda t: time.sleep(seconds)


def paced():
    """B17: one request a second is allowed, and takes that long."""
    lock = threading.Lock()

    def act(t):
        with lock:
            time.sleep(1)
    return act


POINTS = ('nonce', 'account', 'order', 'look', 'authz', 'challenge',
          'finalize', 'chain')


def everywhere(act):
    return {p: act for p in POINTS}


def table(canary):
    elsewhere = 'https://127.0.0.1:%d/directory' % canary
    return {
        'a1-lines': {'directory': a1_lines},
        'a1-line': {'authz': a1_line},
        'a2-directory': {'directory': a2},
        'a2-order': {'order': a2},
        'a2-authz': {'authz': a2},
        'a2-chain': {'chain': a2},
        'a3': {'authz': a3},
        'a4-short': {'authz': a4_short},
        'a4-chunk': {'authz': a4_chunk},
        'a4-last': {'authz': a4_last},
        'a4-garbage': {'authz': a4_garbage},
        'a4-chain': {'chain': a4_short},
        'a5': {'directory': a5},
        'a6-request': {'directory': lambda t: t.hang()},
        'a6-works': {'challenge': late(25), 'finalize': late(20)},
        'a6-handshake': {'accept': silent},
        'a6-record': {'accept': drip},
        'a7': {'directory': a7},
        'a8-order': {'order': a8},
        'a8-directory': {'directory': a8},
        'a9-rst': {'order': lambda t: t.reset()},
        'a9-fin': {'order': a9_fin},
        'a9-once': {'order': first(lambda t: t.reset())},
        'a9-finalize': {'finalize': first(lambda t: t.reset())},
        'a12-garbage': {'accept': garbage},
        'a12-alert': {'accept': alert},
        'a12-hang-up': {'accept': hang_up},
        'a12-expired': {'tls': 'expired'},
        'a12-other': {'tls': 'other'},
        'a12-self': {'tls': 'self'},
        'a12-old-tls': {'old-tls': True},
        'a13-nul': {'authz': line('X: a\0b')},
        'a13-cr': {'authz': line('X: a\rReplay-Nonce: b')},
        'a13-lengths': {'authz': a13_lengths},
        'a13-old': {'authz': a13_old},
        'a14-directory': {'directory': a14},
        'a14-order': {'order': a14},
        'a14-chain': {'chain': a14},
        'a15-503': {'order': busy(503, body=PAGE, retry='600')},
        'a15-502': {'order': busy(502)},
        'a15-403': {'order': busy(403, body=PAGE)},
        'a15-429': {'order': busy(429, 'application/json', b'{}', '900')},
        'a15-busy': {'order': limited(503)},
        'a16-once': {'directory': a16_once},
        'a16-loop': {'directory': moved(302, '/directory/again')},
        'a16-elsewhere': {'directory': moved(307, elsewhere)},
        'a16-http': {'directory': moved(
            308, 'http://127.0.0.1:%d/' % canary)},
        'a16-file': {'directory': moved(302, 'file:///etc/passwd')},
        'a16-post': {'order': moved(307, elsewhere)},
        'a16-post-here': {'order': moved(308, '/order/2')},
        'a16-read': {'authz': moved(301, elsewhere)},
        'a17-once': {'order': first(a17_for_ever)},
        'a17-for-ever': {'order': a17_for_ever},
        'a17-missing': {'nonce': nonce(None)},
        'a17-empty': {'nonce': nonce('')},
        'a17-long': {'nonce': nonce('n' * 8192)},
        'a17-letters': {'nonce': nonce('a+b/c=')},
        'a17-two': {'nonce': a17_two},
        'a17-two-later': {'authz': a17_two},
        'a17-only-there': {p: a17_only_there for p in POINTS
                           if p != 'nonce'},
        'a18-order': {'order': a18_order},
        'a18-look': {'finalize': a18_processing, 'look': a18_look},
        'a19-back': {'directory': first(busy(503))},
        'a20-once': {'chain': first(a20)},
        'a20-for-ever': {'chain': a20},
        'b17-nonce': {'one-nonce': 'the-only-one'},
        'b17-slow': everywhere(paced()),
    }
