"""Rows A10 and A11: HTTP/2."""
import struct
import time

import wire
from wire import (ACK, CONTINUATION, DATA, END_HEADERS, GOAWAY, HEADERS, PING,
                  PRIORITY, PUSH, RST, SETTINGS, WINDOW)

REFUSED_STREAM, CANCEL = 7, 8
# Many small frames in one write: what is tried is the other side's speed.
PACK = 500


def many(*frame):
    return wire.frame(*frame) * PACK


def flood(*frame):
    return lambda t: t.endless(many(*frame))


def rst(code):
    def act(t):
        t.frame(RST, 0, struct.pack('>I', code))
        return True
    return act


def goaway(code, last=0):
    def act(t):
        t.frame(GOAWAY, 0, struct.pack('>II', last, code), 0)
        time.sleep(0.2)
        raise ConnectionError
    return act


def first(act):
    return lambda t: act(t) if t.n == 1 else None


def goaway_after(t):
    """As nginx does it: the last answer is whole, then goodbye."""
    t.conn.write(t)
    t.frame(GOAWAY, 0, struct.pack('>II', t.conn.stream, 0), 0)
    raise ConnectionError


def continuation(t):
    """A head that never ends."""
    t.frame(HEADERS, 0, t.conn.block(t.reply))
    pad = b'\x00\x01x\x7f\x01' + b'a' * 128     # x: aaa..., not indexed
    return t.endless(wire.frame(CONTINUATION, 0, t.conn.stream, pad * 50))


def empty_continuation(t):
    t.frame(HEADERS, 0, t.conn.block(t.reply))
    return t.endless(many(CONTINUATION, 0, t.conn.stream))


def header_bomb(t):
    """4 KB go into the table once and are pointed at again and again."""
    big = b'\x40\x01x\x7f\xa1\x1e' + b'b' * 4000
    t.frame(HEADERS, 0, t.conn.block(t.reply) + big)
    return t.endless(wire.frame(CONTINUATION, 0, t.conn.stream,
                                b'\xbe' * 16000))


def trailers(t):
    """Heads without end, each whole."""
    t.frame(HEADERS, END_HEADERS, t.conn.block(t.reply))
    pad = b'\x00\x01x\x7f\x01' + b'a' * 128
    return t.endless(wire.frame(HEADERS, END_HEADERS, t.conn.stream,
                                pad * 50))


def empty_data(t):
    t.frame(HEADERS, END_HEADERS, t.conn.block(t.reply))
    return t.endless(many(DATA, 0, t.conn.stream))


def padding(t):
    """DATA that is all padding: bytes, but none that count."""
    t.frame(HEADERS, END_HEADERS, t.conn.block(t.reply))
    return t.endless(many(DATA, wire.PADDED, t.conn.stream,
                          b'\xff' + b'\0' * 255))


def rst_flood(t):
    return t.endless(b''.join(
        wire.frame(RST, 0, t.conn.stream, struct.pack('>I', CANCEL))
        for _ in range(PACK)))


def push(t):
    block = t.conn.encoder.encode([
        (':method', 'GET'), (':scheme', 'https'), (':path', '/x'),
        (':authority', '127.0.0.1')])
    for k in range(2, 2000, 2):
        t.frame(PUSH, END_HEADERS, struct.pack('>I', k) + block)
    return t.hang()


def long_frame(t):
    t.send(struct.pack('>I', 0xffffff)[1:] + b'\0\0' +
           struct.pack('>I', t.conn.stream))
    return t.endless(b'\0' * 16384)


def unknown(t):
    """Frames of a kind that nobody knows must be ignored; not for ever."""
    return t.endless(many(0xee, 0, 0, b'12345678'))


def table(canary):
    no_window = struct.pack('>HI', 4, 0)
    rows = {
        'a10-goaway': {'order': goaway(0)},
        'a10-goaway-error': {'order': goaway(2)},
        'a10-refused': {'order': rst(REFUSED_STREAM)},
        'a10-cancel': {'order': rst(CANCEL)},
        'a10-once': {'order': first(goaway(0))},
        'a10-refused-once': {'order': first(rst(REFUSED_STREAM))},
        'a10-goaway-after': {p: goaway_after for p in (
            'directory', 'nonce', 'account', 'order', 'authz', 'challenge',
            'finalize', 'look', 'chain')},
        'a11-settings': {'order': flood(SETTINGS, 0, 0, struct.pack(
            '>HI', 3, 100))},
        'a11-settings-ack': {'order': flood(SETTINGS, ACK, 0)},
        'a11-ping': {'order': flood(PING, 0, 0, b'12345678')},
        'a11-ping-ack': {'order': flood(PING, ACK, 0, b'12345678')},
        'a11-priority': {'order': lambda t: t.endless(many(
            PRIORITY, 0, t.conn.stream, b'\0\0\0\0\x10'))},
        'a11-window': {'order': flood(WINDOW, 0, 0, b'\0\0\0\1')},
        'a11-unknown': {'order': unknown},
        'a11-rst': {'order': rst_flood},
        'a11-continuation': {'order': continuation},
        'a11-empty-continuation': {'order': empty_continuation},
        'a11-header-bomb': {'order': header_bomb},
        'a11-trailers': {'order': trailers},
        'a11-empty-data': {'order': empty_data},
        'a11-padding': {'order': padding},
        'a11-goaways': {'order': flood(GOAWAY, 0, 0, struct.pack(
            '>II', 2 ** 31 - 1, 0))},
        'a11-push': {'order': push},
        'a11-long-frame': {'order': long_frame},
        'a11-no-window': {'settings': no_window},
    }
    for row in rows.values():
        row['h2'] = True
    return rows
