"""Table D: what comes instead of a certificate."""
import base64
import datetime

from cryptography import x509
from cryptography.hazmat.primitives import serialization

import certs
from ca import CA
from certs import DAY, HOUR, backwards, new_key, now, pem


def leaf(**changes):
    """The leaf differs in these."""
    def act(it):
        for key, value in changes.items():
            setattr(it, key, value(it) if callable(value) else value)
    return {'leaf': act}


def chain(change):
    """The text of the chain goes through this."""
    def act(t):
        t.reply.body = change(t.reply.body)
    return {'chain': act}


def parts(change):
    """The list of certificates goes through this."""
    def act(t):
        o = t.ca.orders[int(t.q.path.split('/')[2])]
        t.reply.body = pem(*change(o['chain']))
    return {'chain': act}


def long_lines(text):
    der = base64.b64decode(b''.join(text.split(b'-----')[2].split()))
    b64 = base64.b64encode(der)
    lines = b'\n'.join(b64[i:i + 80] for i in range(0, len(b64), 80))
    rest = b'-----END CERTIFICATE-----'.join(
        text.split(b'-----END CERTIFICATE-----')[1:])
    return (b'-----BEGIN CERTIFICATE-----\n' + lines +
            b'\n-----END CERTIFICATE-----' + rest)


def to_der(text):
    return x509.load_pem_x509_certificate(text).public_bytes(
        serialization.Encoding.DER)


def replay(t):
    """Always the first chain that was ever asked for."""
    t.reply.body = t.ca.row.setdefault('first chain', t.reply.body)


def loop_of(certificates):
    """Two CAs that vouch for each other."""
    a, b = certs.Issuer('Loop A'), certs.Issuer('Loop B')
    return certificates + [certs.Issuer('Loop A', b).cert,
                           certs.Issuer('Loop B', a).cert, a.cert, b.cert]


KEY = (b'-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIA==\n'
       b'-----END PRIVATE KEY-----\n')
CRITICAL = x509.UnrecognizedExtension(
    x509.ObjectIdentifier('1.3.6.1.4.1.55555.1'), b'\x05\x00')


def table(canary):
    root = CA.root.cert
    stranger = certs.Issuer('Somebody Else')
    minute = HOUR / 60
    return {
        'd1': leaf(public_key=new_key().public_key()),
        'd2-missing': leaf(names=lambda it: it.names[:1]),
        'd2-extra': leaf(names=lambda it: it.names + ['evil.example']),
        'd2-other': leaf(names=['other.example']),
        'd2-cn': leaf(common_name=lambda it: it.names[0], names=[]),
        'd2-case': leaf(names=lambda it: [n.upper() for n in it.names]),
        'd3-expired': leaf(not_before=now() - 3 * DAY,
                           not_after=now() - 2 * DAY),
        'd3-tomorrow': leaf(not_before=now() + DAY),
        'd3-half-hour': leaf(not_before=now() + 30 * minute),
        'd3-backwards': {'make': backwards},
        'd3-second': leaf(not_after=lambda it: now() +
                          datetime.timedelta(seconds=1)),
        'd3-ten-years': leaf(not_after=now() + 3650 * DAY),
        'd4-empty': chain(lambda p: b''),
        'd4-newline': chain(lambda p: b'\n'),
        'd4-begin': chain(lambda p: b'-----BEGIN CERTIFICATE-----\n'),
        'd4-trusted': chain(lambda p: p.replace(
            b' CERTIFICATE', b' TRUSTED CERTIFICATE')),
        'd4-key': chain(lambda p: p + KEY),
        'd4-nul': chain(lambda p: p.replace(b'\nMII', b'\nM\0II', 1)),
        'd4-der': chain(to_der),
        'd4-before': chain(lambda p: b'Here you are:\n' + p),
        'd4-crlf': chain(lambda p: p.replace(b'\n', b'\r\n')),
        'd4-no-end': chain(lambda p: p.rstrip(b'\n')),
        'd4-long-lines': chain(long_lines),
        'd5-many': parts(lambda c: c[:1] + c[1:] * 20000),
        'd5-eleven': parts(lambda c: c + [certs.Issuer('Root %d' % i).cert
                                          for i in range(9)]),
        'd5-loop': parts(loop_of),
        'd5-twice': parts(lambda c: [c[0], c[0], c[1]]),
        'd5-backwards': parts(lambda c: [c[1], c[0]]),
        'd5-root': parts(lambda c: c + [root]),
        'd5-stranger': parts(lambda c: [c[0], stranger.cert]),
        'd6-blob': chain(lambda p: b'-----BEGIN CERTIFICATE-----\n' +
                         b'A' * 3000000),
        'd6-blob-fits': chain(lambda p: b'-----BEGIN CERTIFICATE-----\n' +
                              b'A' * 120000 +
                              b'\n-----END CERTIFICATE-----\n'),
        'd6-begins': chain(lambda p: b'-----BEGIN CERTIFICATE-----\n' *
                           4500),
        'd6-junk': chain(lambda p: b'\xa5' * 30000000),
        'd7-serial': leaf(serial=2 ** 159 - 1),
        'd7-no-aki': leaf(key_id=False),
        'd7-critical': leaf(more=[(CRITICAL, False)]),
        'd7-2055': leaf(not_after=datetime.datetime(2055, 1, 1)),
        'd8': {'chain': replay},
    }
