"""HTTP/1.1 and HTTP/2 by hand: what a library would refuse to send is what
the rows are about. A row's function gets a Turn; what it returns is nothing
(the reply goes out as it stands now) or True (it has sent all there is)."""
import socket
import ssl
import struct
import time

import hpack

from ca import Request

LONG_S = 100            # longer than any client should wait


class Turn:
    """One request that is being answered."""

    def __init__(self, conn, ca, q, n, reply):
        self.conn, self.ca, self.q, self.n = conn, ca, q, n
        self.reply = reply

    def send(self, p):
        self.conn.sock.sendall(p)

    def frame(self, kind, flags=0, payload=b'', stream=None):
        self.send(frame(kind, flags, self.conn.stream
                        if stream is None else stream, payload))

    def endless(self, p, pause=0.0):
        """Until the other side has had enough, or much too long."""
        end = time.monotonic() + LONG_S
        while time.monotonic() < end:
            self.send(p)
            if pause:
                time.sleep(pause)
        return True

    def hang(self):
        """Says nothing more, until the other side goes."""
        self.conn.sock.settimeout(LONG_S)
        try:
            while self.conn.sock.recv(4096):
                pass
        except OSError:
            pass
        raise ConnectionError

    def finish(self):
        """A clean end of TLS: only HTTP's framing tells what is missing."""
        self.conn.sock.settimeout(1)
        self.conn.sock.unwrap()
        raise ConnectionError

    def reset(self):
        reset(self.conn.sock)


def reset(sock):
    """RST instead of FIN."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                    struct.pack('ii', 1, 0))
    sock.close()
    raise ConnectionError


def head(reply, length=True):
    lines = ['HTTP/1.1 %d Thus' % reply.status,
             'Content-Type: ' + reply.kind]
    if length:
        lines.append('Content-Length: %d' % len(reply.bytes()))
    lines += ['%s: %s' % f for f in reply.fields.items()]
    return '\r\n'.join(lines + reply.more).encode('latin-1') + b'\r\n\r\n'


class Http1:
    def __init__(self, sock, ca):
        self.sock, self.ca = sock, ca
        self.file = sock.makefile('rb')

    def read(self):
        line = self.file.readline(65536)
        if not line:
            return None
        method, path, _ = line.decode().split(' ')
        fields = {}
        for line in iter(lambda: self.file.readline(65536), b'\r\n'):
            if not line:
                return None
            name, _, value = line.decode().partition(':')
            fields[name.lower()] = value.strip()
        body = self.file.read(int(fields.get('content-length', 0)))
        return Request(method, path, fields, body)

    def write(self, turn):
        r = turn.reply
        if turn.q.method == 'HEAD':
            self.sock.sendall(head(r, False))
        else:
            self.sock.sendall(head(r) + r.bytes())

    def run(self):
        while True:
            q = self.read()
            if q is None:
                return
            serve(self, self.ca, q)


def frame(kind, flags, stream, payload=b''):
    return (struct.pack('>I', len(payload))[1:] + bytes([kind, flags]) +
            struct.pack('>I', stream) + payload)


DATA, HEADERS, PRIORITY, RST, SETTINGS, PUSH, PING, GOAWAY, WINDOW, \
    CONTINUATION = range(10)
END_STREAM, ACK, END_HEADERS, PADDED, PRIORITISED = 1, 1, 4, 8, 32


class Http2:
    """Just enough of RFC 9113: requests one after another, no padding."""

    def __init__(self, sock, ca):
        self.sock, self.ca = sock, ca
        self.stream = 0
        self.decoder, self.encoder = hpack.Decoder(), hpack.Encoder()
        self.open = {}          # stream -> [fields, body]

    def take(self, n):
        p = b''
        while len(p) < n:
            more = self.sock.recv(n - len(p))
            if not more:
                raise ConnectionError
            p += more
        return p

    def read_frame(self):
        h = self.take(9)
        return (h[3], h[4], struct.unpack('>I', h[5:])[0],
                self.take(int.from_bytes(h[:3], 'big')))

    def hear(self, kind, flags, stream, p):
        """The request if this frame completes one."""
        if kind == HEADERS:
            if flags & PRIORITISED:
                p = p[5:]
            fields = dict(self.decoder.decode(p))
            self.open[stream] = [fields, b'']
        elif kind == DATA:
            self.open[stream][1] += p
        elif kind == SETTINGS and not flags & ACK:
            self.sock.sendall(frame(SETTINGS, ACK, 0))
        if kind not in (HEADERS, DATA) or not flags & END_STREAM:
            return None
        fields, body = self.open.pop(stream)
        self.stream = stream
        return Request(fields[':method'], fields[':path'], fields, body)

    def block(self, r):
        fields = [(':status', str(r.status)), ('content-type', r.kind)]
        fields += [(k.lower(), v) for k, v in r.fields.items()]
        return self.encoder.encode(fields)

    def write(self, turn):
        r = turn.reply
        self.sock.sendall(frame(HEADERS, END_HEADERS, self.stream,
                                self.block(r)))
        body = b'' if turn.q.method == 'HEAD' else r.bytes()
        while len(body) > 16384:
            self.sock.sendall(frame(DATA, 0, self.stream, body[:16384]))
            body = body[16384:]
        self.sock.sendall(frame(DATA, END_STREAM, self.stream, body))

    def run(self):
        self.take(24)
        self.sock.sendall(frame(SETTINGS, 0, 0,
                                self.ca.row.get('settings', b'')))
        while True:
            q = self.hear(*self.read_frame())
            if q is not None:
                serve(self, self.ca, q)


def serve(conn, ca, q):
    point, n, reply = ca.answer(q)
    turn = Turn(conn, ca, q, n, reply)
    act = ca.row.get(point)
    if act is None or not act(turn):
        conn.write(turn)


def context(path, ca):
    x = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    x.load_cert_chain(path)
    if ca.row.get('old-tls'):
        x.set_ciphers('ALL:@SECLEVEL=0')
        x.minimum_version = x.maximum_version = ssl.TLSVersion.TLSv1_1
    x.set_alpn_protocols(['h2'] if ca.row.get('h2') else ['http/1.1'])
    return x


def converse(sock, ca, folder):
    """One connection, from its first byte on."""
    ca.count('connections')
    if 'accept' in ca.row:
        ca.row['accept'](sock)
        return
    x = context('%s/%s.pem' % (folder, ca.row.get('tls', 'good')), ca)
    tls = x.wrap_socket(sock, server_side=True)
    ca.count('handshakes')
    try:
        (Http2 if ca.row.get('h2') else Http1)(tls, ca).run()
    finally:
        tls.close()
