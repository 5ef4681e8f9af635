#!/usr/bin/python3
"""A CA's web server that misbehaves in every way of security.md table A.

badserver.py DIR: DIR holds good.pem, expired.pem, other.pem and self.pem (key
and certificate each). Prints "NAME PORT" for each listener, then "ready".
The path chooses what happens; /count/NAME answers how many whole requests for
/NAME (or on listener NAME) have arrived. Ends when its stdin does.
"""
import gzip
import os
import socket
import ssl
import struct
import sys
import threading
import time
import warnings

warnings.simplefilter('ignore')
folder = sys.argv[1]
counts = {}
lock = threading.Lock()


def count(name):
    with lock:
        counts[name] = counts.get(name, 0) + 1


def head(length, *more, status='200 OK', kind='application/json'):
    lines = ['HTTP/1.1 ' + status, 'Content-Type: ' + kind]
    if length is not None:
        lines.append('Content-Length: %d' % length)
    return ('\r\n'.join(lines + list(more)) + '\r\n\r\n').encode()


def whole(body, *more, **kw):
    return head(len(body), *more, **kw) + body


def reset(c):
    """RST instead of FIN."""
    c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
    c.close()
    raise ConnectionError


def end(c):
    """A clean end of TLS: only HTTP's own framing can tell what is missing."""
    c.settimeout(1)
    c.unwrap()
    raise ConnectionError


def endless(c, piece, pause=0):
    while True:
        c.sendall(piece)
        if pause:
            time.sleep(pause)


def redirect(status, where):
    return lambda c, q: c.sendall(whole(b'', 'Location: ' + where,
                                        status=status + ' Elsewhere'))


def a1_lines(c, q):
    c.sendall(b'HTTP/1.1 200 OK\r\n')
    endless(c, b'X-Pad: ' + b'a' * 200 + b'\r\n')


def a1_line(c, q):
    c.sendall(b'HTTP/1.1 200 OK\r\nX-Pad: ')
    endless(c, b'a' * 4096)


def a2(c, q):
    c.sendall(head(None, 'Transfer-Encoding: chunked'))
    endless(c, b'1000\r\n' + b' ' * 4096 + b'\r\n')


def a3(c, q):
    c.sendall(head(10 ** 12) + b'{}')
    time.sleep(30)


def a4_short(c, q):
    c.sendall(head(100) + b'{"a":1}')
    end(c)


def a4_cut(c, q):
    c.sendall(head(None, 'Transfer-Encoding: chunked') + b'40\r\n{"a":1}')
    end(c)


def a4_last(c, q):
    c.sendall(head(None, 'Transfer-Encoding: chunked') +
              b'7\r\n{"a":1}\r\n')
    end(c)


def a5(c, q):
    c.sendall(head(1000))
    endless(c, b' ', 0.5)


def a6(c, q):
    time.sleep(30)


def a7(c, q):
    endless(c, b'HTTP/1.1 102 Processing\r\nX: y\r\n\r\n')


def a8(c, q):
    c.sendall(whole(gzip.compress(b'\0' * 10 ** 6),
                    'Content-Encoding: gzip'))


def a9_fin(c, q):
    raise ConnectionError


def a13_nul(c, q):
    c.sendall(b'HTTP/1.1 200 OK\r\nReplay-Nonce: a\0b\r\n'
              b'Content-Length: 2\r\n\r\n{}')


def a13_lengths(c, q):
    c.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n'
              b'Content-Length: 3\r\n\r\n{}')
    end(c)


def a13_same_lengths(c, q):
    c.sendall(whole(b'{}', 'Content-Length: 2'))


def a13_old(c, q):
    c.sendall(b'{"a":1}')
    end(c)


def ok(c, q):
    c.sendall(whole(b'{"a":1}', 'Replay-Nonce: abc-_', 'Retry-After: 5',
                    'Location: https://localhost/x', 'rePlay-other: 1',
                    'Date: Sat, 21 Nov 2026 04:00:00 GMT'))


def echo(c, q):
    c.sendall(whole(q, kind='text/plain'))


def slow(c, q):
    time.sleep(0.3)
    c.sendall(whole(b'{}'))


PATHS = {
    'ok': ok, 'echo': echo, 'slow': slow, 'a1-lines': a1_lines,
    'a1-line': a1_line, 'a2': a2, 'a3': a3, 'a4-short': a4_short,
    'a4-cut': a4_cut, 'a4-last': a4_last, 'a5': a5, 'a6': a6, 'a7': a7,
    'a8': a8, 'a9-rst': lambda c, q: reset(c), 'a9-fin': a9_fin,
    'a13-nul': a13_nul, 'a13-lengths': a13_lengths,
    'a13-same-lengths': a13_same_lengths, 'a13-old': a13_old,
    'a14': lambda c, q: c.sendall(whole(b'<html>', kind='text/html')),
    'a15': lambda c, q: c.sendall(whole(b'', 'Retry-After: 120',
                                        status='503 Busy')),
    'a16-301': redirect('301', '/never'),
    'a16-302': redirect('302', 'https://127.0.0.1:1/never'),
    'a16-307': redirect('307', '/never'),
    'a16-308': redirect('308', 'http://localhost/never'),
    'a16-file': redirect('302', 'file:///etc/passwd'),
    'a17': lambda c, q: c.sendall(whole(b'{}', 'Replay-Nonce: one',
                                        'Replay-Nonce: two')),
    'never': ok,
}


def read_request(f):
    """Method, path, head and body of one request; None at the end."""
    line = f.readline()
    if not line:
        return None
    method, path, _ = line.decode().split(' ')
    text, length = line, 0
    while True:
        line = f.readline()
        text += line
        if line in (b'\r\n', b''):
            break
        name, _, value = line.decode().partition(':')
        if name.lower() == 'content-length':
            length = int(value)
    body = f.read(length)
    if len(body) < length:
        return None
    return method, path.lstrip('/'), text, body


def talk(c):
    f = c.makefile('rb')
    while True:
        q = read_request(f)
        if q is None:
            return
        method, path, text, body = q
        if path.startswith('count/'):
            with lock:
                n = counts.get(path[6:], 0)
            c.sendall(whole(str(n).encode()))
            continue
        count(path)
        PATHS[path](c, text + body)


def context(name):
    x = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    x.load_cert_chain(os.path.join(folder, name))
    return x


def over_tls(x, then):
    def run(c):
        t = x.wrap_socket(c, server_side=True)
        count('handshakes')
        try:
            then(t)
        finally:
            t.close()
    return run


def frame(kind, flags, stream, payload=b''):
    return (struct.pack('>I', len(payload))[1:] + bytes([kind, flags]) +
            struct.pack('>I', stream) + payload)


def take(c, n):
    p = b''
    while len(p) < n:
        more = c.recv(n - len(p))
        if not more:
            raise ConnectionError
        p += more
    return p


def over_h2(name, answer):
    """Speaks just enough HTTP/2 to read one whole request."""
    def run(c):
        take(c, 24)
        c.sendall(frame(4, 0, 0))
        while True:
            h = take(c, 9)
            take(c, int.from_bytes(h[:3], 'big'))
            kind, flags = h[3], h[4]
            stream = int.from_bytes(h[5:], 'big')
            if kind == 4 and not flags & 1:
                c.sendall(frame(4, 1, 0))
            if kind in (0, 1) and flags & 1:
                count(name)
                for p in answer(stream):
                    c.sendall(p)
                if name.startswith('goaway'):
                    time.sleep(0.1)
                    return
    return run


def flood(stream):
    """PING acknowledged, again and again; nobody asked."""
    while True:
        yield frame(6, 1, 0, b'12345678') * 500


def garbage(c):
    c.sendall(b'220 mail.example ESMTP\r\n' * 40)
    time.sleep(1)


def alert(c):
    c.recv(4096)
    c.sendall(b'\x15\x03\x01\x00\x02\x02\x28')


def silent(c):
    time.sleep(30)


def hang_up(c):
    c.recv(4096)
    reset(c)


def walk_off(c):
    c.recv(4096)


def old_tls():
    x = context('good.pem')
    x.set_ciphers('ALL:@SECLEVEL=0')
    x.minimum_version = x.maximum_version = ssl.TLSVersion.TLSv1_1
    return x


def as_agreed(name):
    """HTTP/2 if the client offers it, else HTTP/1.1; the body says which."""
    x = context('good.pem')
    x.set_alpn_protocols(['h2', 'http/1.1'])
    two = over_h2(name, lambda s: [frame(1, 4, s, b'\x88') +
                                   frame(0, 1, s, b'2')])

    def run(c):
        if c.selected_alpn_protocol() == 'h2':
            two(c)
        while True:
            p = b''
            while b'\r\n\r\n' not in p:
                p += take(c, 1)
            count(name)
            c.sendall(whole(b'1.1'))
    return over_tls(x, run)


def h2(name, answer):
    x = context('good.pem')
    x.set_alpn_protocols(['h2'])
    return over_tls(x, over_h2(name, answer))


LISTENERS = {
    'good': over_tls(context('good.pem'), talk),
    'good-too': over_tls(context('good.pem'), talk),
    'expired': over_tls(context('expired.pem'), talk),
    'other': over_tls(context('other.pem'), talk),
    'self': over_tls(context('self.pem'), talk),
    'old-tls': over_tls(old_tls(), talk),
    'garbage': garbage, 'alert': alert, 'silent': silent, 'hang-up': hang_up,
    'walk-off': walk_off,
    'h2': h2('h2', lambda s: [frame(1, 4, s, b'\x88') +
                                  frame(0, 1, s, b'{}')]),
    'both': as_agreed('both'),
    'flood': h2('flood', flood),
    'goaway': h2('goaway', lambda s: [frame(7, 0, 0, struct.pack('>II', 0, 0))]),
    'goaway-error': h2('goaway-error', lambda s:
                       [frame(7, 0, 0, struct.pack('>II', 0, 1))]),
    'refused': h2('refused', lambda s: [frame(3, 0, s, struct.pack('>I', 7))]),
    'cancelled': h2('cancelled', lambda s:
                    [frame(3, 0, s, struct.pack('>I', 8))]),
}


def serve(s, run):
    def one(c):
        try:
            run(c)
        except (OSError, ValueError, KeyError):
            pass
        c.close()
    while True:
        c, _ = s.accept()
        threading.Thread(target=one, args=(c,), daemon=True).start()


for name, run in LISTENERS.items():
    s = socket.create_server(('127.0.0.1', 0), backlog=100)
    threading.Thread(target=serve, args=(s, run), daemon=True).start()
    print(name, s.getsockname()[1])
print('ready', flush=True)
sys.stdin.read()
