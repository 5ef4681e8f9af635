"""A small CA (RFC 8555) that is right in every way but the one that its row
chooses. It verifies neither signatures nor names: who talks to it is not on
trial for these."""
import base64
import json
import secrets
import threading
import time

from cryptography import x509

import certs

URN = 'urn:ietf:params:acme:error:'
CHALLENGES = ('http-01', 'dns-01', 'tls-alpn-01')


def unbase64(text):
    return base64.urlsafe_b64decode(text + '=' * (-len(text) % 4))


def stamp(seconds):
    return time.strftime('%Y-%m-%dT%H:%M:%SZ',
                         time.gmtime(time.time() + seconds))


class Request:
    def __init__(self, method, path, fields, body):
        self.method, self.path, self.fields = method, path, fields
        self.body = body
        self.protected, self.payload = {}, {}

    def read_jws(self):
        o = json.loads(self.body)
        self.protected = json.loads(unbase64(o['protected']))
        self.payload = json.loads(unbase64(o['payload']) or b'null')


class Reply:
    """`obj` is sent as JSON unless a row gives a body of its own."""

    def __init__(self, status, obj=None, kind='application/json'):
        self.status, self.obj, self.kind = status, obj, kind
        self.body = None
        self.fields = {}        # each once
        self.more = []          # further lines, as they are

    def bytes(self):
        if self.body is not None:
            return self.body
        return b'' if self.obj is None else json.dumps(self.obj).encode()


def problem(kind, detail, status=403):
    return Reply(status, {'type': URN + kind, 'detail': detail,
                          'status': status}, 'application/problem+json')


class CA:
    root = certs.Issuer('Hostile Root')
    issuing = certs.Issuer('Hostile CA 1', root)

    def __init__(self, row):
        self.row = row          # point -> what it does there
        self.base = ''          # https://127.0.0.1:PORT
        self.lock = threading.RLock()
        self.counts = {}        # point -> how often it was asked for
        self.nonces = set()
        self.orders = []
        self.bad = 0            # requests that no client should make

    # --- bookkeeping --------------------------------------------------
    def count(self, point):
        with self.lock:
            n = self.counts[point] = self.counts.get(point, 0) + 1
        return n

    def nonce(self):
        text = self.row.get('one-nonce') or secrets.token_urlsafe(16)
        self.nonces.add(text)
        return text

    def spend(self, nonce):
        if nonce not in self.nonces:
            return False
        if 'one-nonce' not in self.row:
            self.nonces.discard(nonce)
        return True

    def url(self, *parts):
        return '/'.join((self.base,) + tuple(str(p) for p in parts))

    # --- objects ------------------------------------------------------
    def order_object(self, o):
        out = {'status': o['status'], 'expires': stamp(7 * 86400),
               'identifiers': [{'type': 'dns', 'value': n}
                               for n in o['names']],
               'authorizations': [self.url('authz', o['id'], i)
                                  for i in range(len(o['names']))],
               'finalize': self.url('finalize', o['id'])}
        if o['status'] == 'valid':
            out['certificate'] = self.url('chain', o['id'])
        if 'error' in o:
            out['error'] = o['error']
        return out

    def authz_object(self, o, i):
        name, done = o['names'][i], o['done'][i]
        out = {'identifier': {'type': 'dns',
                              'value': name[2:] if name[:2] == '*.'
                              else name},
               'status': 'valid' if done else 'pending',
               'expires': stamp(7 * 86400),
               'challenges': [
                   {'type': t, 'url': self.url('challenge', o['id'], i, t),
                    'status': 'valid' if done and not k else 'pending',
                    'token': o['token'][i]}
                   for k, t in enumerate(CHALLENGES)]}
        if name[:2] == '*.':
            out['wildcard'] = True
        return out

    # --- the doors ----------------------------------------------------
    def at_directory(self, q, *rest):
        r = Reply(200, {
            'newNonce': self.url('nonce'), 'newAccount': self.url('account'),
            'newOrder': self.url('order'),
            'revokeCert': self.url('revoke'), 'keyChange': self.url('key'),
            'meta': {'termsOfService': self.url('terms')}})
        if 'windows' in self.row:
            r.obj['renewalInfo'] = self.url('window')
        return r

    def at_window(self, q, certificate):
        return Reply(200, {'suggestedWindow': {
            'start': stamp(40 * 86400), 'end': stamp(41 * 86400)}})

    def at_nonce(self, q):
        return Reply(200 if q.method == 'HEAD' else 204)

    def at_account(self, q):
        r = Reply(201, {'status': 'valid', 'orders': self.url('orders')})
        r.fields['Location'] = self.url('acct', 1)
        return r

    def at_order(self, q, *rest):
        names = [i['value'] for i in q.payload['identifiers']]
        if 'replaces' in q.payload:
            self.count('replaces')
        for o in self.orders:   # as real ones do: the open order again
            if o['names'] == names and o['status'] in ('pending', 'ready'):
                break
        else:
            o = {'id': len(self.orders), 'names': names, 'status': 'pending',
                 'done': [False] * len(names),
                 'token': [secrets.token_urlsafe(32) for n in names]}
            self.orders.append(o)
        r = Reply(201, self.order_object(o))
        r.fields['Location'] = self.url('look', o['id'])
        return r

    def at_look(self, q, n):
        return Reply(200, self.order_object(self.orders[int(n)]))

    def at_authz(self, q, n, i):
        return Reply(200, self.authz_object(self.orders[int(n)], int(i)))

    def at_challenge(self, q, n, i, kind):
        o = self.orders[int(n)]
        if q.payload is not None:
            o['done'][int(i)] = True
            if all(o['done']) and o['status'] == 'pending':
                o['status'] = 'ready'
        of = self.authz_object(o, int(i))['challenges']
        return Reply(200, [c for c in of if c['type'] == kind][0])

    def at_finalize(self, q, n):
        o = self.orders[int(n)]
        if o['status'] != 'ready':
            return problem('orderNotReady', 'not now')
        csr = x509.load_der_x509_csr(unbase64(q.payload['csr']))
        san = csr.extensions.get_extension_for_class(
            x509.SubjectAlternativeName).value
        leaf = certs.Leaf(csr.public_key(),
                          san.get_values_for_type(x509.DNSName),
                          self.issuing)
        self.row.get('leaf', lambda leaf: None)(leaf)
        make = self.row.get('make', lambda leaf: leaf.sign())
        o['chain'] = [make(leaf), self.issuing.cert]
        o['status'] = 'valid'
        return Reply(200, self.order_object(o))

    def at_chain(self, q, n):
        r = Reply(200, None, 'application/pem-certificate-chain')
        r.body = certs.pem(*self.orders[int(n)]['chain'])
        return r

    def at_revoke(self, q):
        return Reply(200)

    # --- one request --------------------------------------------------
    def refuse_bad(self, q):
        """None if the request is one that a CA answers."""
        q.read_jws()
        wrong = q.protected.get('url') != self.base + q.path or \
            ('jwk' in q.protected) == ('kid' in q.protected) or \
            q.fields.get('content-type') != 'application/jose+json'
        if wrong:
            self.bad += 1
            return problem('malformed', 'this is no ACME request', 400)
        if not self.spend(q.protected.get('nonce')):
            return problem('badNonce', 'who are you?', 400)
        return None

    def answer(self, q):
        """(point, n-th time, Reply) of a request."""
        point, *rest = q.path.lstrip('/').split('/')
        n = self.count(point)
        with self.lock:
            r = None
            if 'behind' in self.row:
                self.base = 'https://' + q.fields['host']
            door = getattr(self, 'at_' + point, None)
            if door is None:
                r = problem('malformed', 'nothing is here', 404)
            elif q.method == 'POST':
                r = self.refuse_bad(q)
            if r is None:
                r = door(q, *rest)
            if point not in ('directory', 'window'):
                r.fields['Replay-Nonce'] = self.nonce()
        return point, n, r
