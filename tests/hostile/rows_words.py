"""Tables B and C: JSON, what it means, and the addresses in it."""
import json

from ca import URN, problem, stamp
from certs import HOUR, now
from rows_http import first


def raw(text):
    """This text in place of the JSON."""
    def act(t):
        t.reply.body = text if isinstance(text, bytes) else text.encode()
    return act


def member(key, value):
    """One member of the answer is this; None leaves it out."""
    def act(t):
        o = t.reply.obj
        if value is None:
            o.pop(key)
        else:
            o[key] = value(t) if callable(value) else value
    return act


def swap(old, new):
    """In the text of the answer."""
    def act(t):
        t.reply.body = json.dumps(t.reply.obj).replace(old, new).encode()
    return act


def says(kind, detail, status=403, **more):
    """A refusal; kind None leaves the type out, others with ":" are whole."""
    def act(t):
        r = problem(kind or '', detail, status)
        if kind is None:
            del r.obj['type']
        elif ':' in kind or '/' in kind:
            r.obj['type'] = kind
        r.obj.update(more)
        r.fields = t.reply.fields
        t.reply = r
    return act


def retry(*values):
    act = says('rateLimited', 'too many certificates', 429)

    def both(t):
        act(t)
        t.reply.more = ['Retry-After: ' + v for v in values]
    return both


def processing(t):
    t.reply.obj['status'] = 'processing'
    t.reply.obj.pop('certificate', None)
    t.reply.fields['Retry-After'] = '86400'


def then_invalid(t):
    t.reply.obj['status'] = 'invalid'
    t.reply.obj.pop('certificate', None)
    t.reply.obj['error'] = {'type': URN + 'serverInternal',
                            'detail': 'the signer is on fire'}


def backwards(t):
    """Processing, then pending: once was enough."""
    t.reply.obj['status'] = 'pending'
    t.reply.obj.pop('certificate', None)


def now_processing(t):
    t.reply.obj['status'] = 'processing'
    t.reply.obj.pop('certificate', None)


def one_name(t):
    """429 for one name only; the others of this account are served."""
    if t.q.payload['identifiers'][0]['value'].startswith('limited.'):
        retry('7200')(t)


def replaced(t):
    """Who replaces what has been replaced may not."""
    if 'replaces' in t.q.payload:
        says('alreadyReplaced', 'it has a successor', 409)(t)


def no_reason(t):
    """Certificates are revoked, but without a reason."""
    if 'reason' in t.q.payload:
        says('badRevocationReason', 'give no reason', 400)(t)


def window(start, end):
    """Of certificates so short that the CA is asked after half a minute, and
    so long that they need no renewal while the test runs."""
    def leaf(it):
        it.not_before = now()
        it.not_after = now() + HOUR / 6
    return {'windows': True, 'leaf': leaf, 'window': member(
        'suggestedWindow', lambda t: {'start': start(), 'end': end()})}


def authz_urls(n, same=False):
    return lambda t: [t.ca.url('authz', 0, 0 if same else i)
                      for i in range(n)]


def challenges(*kinds, of=1):
    def value(t):
        c = t.reply.obj['challenges'][0]
        return [dict(c, type=k) for k in kinds for _ in range(of)]
    return value


def location(value):
    def act(t):
        if value is None:
            t.reply.fields.pop('Location')
        else:
            t.reply.fields['Location'] = value
    return act


def links(t):
    t.reply.more = ['Link: <%s>;rel="alternate"' % u for u in (
        [t.ca.url('alternate', i) for i in range(500)] +
        [t.ca.base + t.q.path, 'https://elsewhere.example/x'])] + \
        ['Link: <unclosed;rel="alternate"', 'Link: ;;;,<>;rel="up alternate"']


def expires(seconds):
    return member('expires', lambda t: stamp(seconds))


def nasty(t):
    says('rejectedIdentifier', 'no\x1b[2J\r\nlog: root logged in %s%n `id` '
         '$(id) \u202egnirts\u0085' + 'A' * 100000)(t)


def table_b():
    half = '{"status":"valid","challenges":[%s{}],' % ('{},' * 80000)
    return {
        'b1-17': {'authz': raw('{"a":' * 17 + '1' + '}' * 17)},
        'b1-2000': {'directory': raw('[' * 2000 + ']' * 2000)},
        'b1-100000': {'order': raw('{"a":' + '[' * 100000)},
        'b2-long': {'authz': raw('[' + '{},' * 349525 + '{}]')},
        'b2-parts': {'authz': raw(half + '"a":1}')},
        'b3-twice': {'authz': swap('"status": "pending", "exp',
                                   '"status": "valid", "status": "pending",'
                                   ' "exp')},
        'b3-unknown': {'order': member('later', {'a': [1, None]})},
        'b3-missing': {'order': member('finalize', None)},
        'b3-type': {'authz': member('challenges', {'type': 'http-01'})},
        'b3-null': {'order': swap('"pending"', 'null')},
        'b3-number': {'order': member('status', 1)},
        'b3-huge': {'order': swap('"pending"', '1e999999')},
        'b3-digits': {'order': swap('"pending"', '9' * 5000)},
        'b3-nul': {'authz': swap('"pending"', '"pending\\u0000"')},
        'b3-utf8': {'authz': lambda t: raw(json.dumps(
            t.reply.obj).encode().replace(b'http-01', b'http\xff\xfe'))(t)},
        'b3-endless-list': {'order': raw(
            '{"identifiers":[' + '"a",' * 60000)},
        'b4-word': {'order': member('status', 'shipped')},
        'b4-back': {'finalize': now_processing, 'look': backwards},
        'b5': {'order': expires(7200), 'finalize': expires(7200)},
        'b6-other': {'authz': member(
            'identifier', {'type': 'dns', 'value': 'other.example'})},
        'b6-more': {'order': member('identifiers', lambda t: [
            {'type': 'dns', 'value': v} for v in (
                t.q.payload['identifiers'][0]['value'], 'more.example')])},
        'b6-wildcard': {'authz': member('wildcard', True)},
        'b6-fewer': {'order': member('identifiers', [])},
        'b7-authz': {'order': member('authorizations', authz_urls(5000))},
        'b7-challenges': {'authz': member(
            'challenges', challenges('http-01', of=1000))},
        'b7-same': {'order': member('authorizations',
                                    authz_urls(900, True))},
        'b8-none': {'authz': member('challenges', challenges('sky-01'))},
        'b8-blank': {'authz': member('challenges', challenges('http-01 '))},
        'b8-empty': {'authz': member('challenges', [])},
        'b8-more': {'authz': member(
            'challenges', challenges('sky-01', 'http-01'))},
        'b9': {'order': nasty},
        'b10-unknown': {'order': says('outOfPaper', 'no paper')},
        'b10-web': {'order': says('https://ca.example/e/1', 'web words')},
        'b10-missing': {'order': says(None, 'no type at all')},
        'b10-many': {'order': says(
            'compound', 'several', 400, subproblems=[
                {'type': URN + 'caa', 'detail': 'caa of x%d' % i}
                for i in range(3000)])},
        'b10-reason': {'revoke': no_reason},
        'b11': dict(window(lambda: stamp(-120), lambda: stamp(-60)),
                    order=replaced),
        'b12-closed': {'account': member('status', 'deactivated')},
        'b12-revoked': {'order': says('unauthorized', 'account is revoked')},
        'b12-unknown': {'order': says('accountDoesNotExist', 'who?', 400)},
        'b12-eab': {'account': says('externalAccountRequired', 'bind it')},
        'b12-terms': {'order': says('userActionRequired', 'new terms',
                                    instance='https://ca.example/terms')},
        'b13': {'finalize': processing, 'look': processing},
        'b14': {'order': one_name},
        'b15-inverted': window(lambda: stamp(-60), lambda: stamp(-120)),
        'b15-empty': window(lambda: stamp(-60), lambda: stamp(-60)),
        'b15-never': window(lambda: stamp(3650 * 86400),
                            lambda: stamp(3651 * 86400)),
        'b15-words': window(lambda: 'soon', lambda: 7),
        'b15-past': window(lambda: stamp(-120), lambda: stamp(-60)),
        'b16-gone': {'directory': member('newOrder', None)},
        'b16-meta': {'directory': member('meta', 'none of your business')},
        'b16-elsewhere': {'directory': first(member(
            'newNonce', 'https://elsewhere.example/nonce'))},
        'b18': {'finalize': now_processing, 'look': then_invalid},
    }


def table_c(canary):
    def authz_at(*urls):
        return {'order': member('authorizations', list(urls))}

    def at_last(url):
        act = member('certificate', url)
        return {'finalize': act, 'look': act}

    def ported(t):
        return [t.ca.base.replace('https://', 'https://ca@') + '/authz/0/0']

    def dotted(t):
        return [t.ca.base.replace('127.0.0.1', '127.0.0.1.') + '/authz/0/0']
    rows = {
        'c1-directory': {'directory': member(
            'newOrder', lambda t: 'http' + t.ca.url('order')[5:])},
        'c1-authz': {'order': member('authorizations', lambda t: [
            'http' + t.ca.url('authz', 0, 0)[5:]])},
        'c1-chain': at_last(lambda t: 'http' + t.ca.url('chain', 0)[5:]),
        'c2-metadata': authz_at('https://169.254.169.254/latest/'),
        'c2-localhost': authz_at('https://localhost:6379/'),
        'c2-canary': authz_at('https://127.0.0.1:%d/' % canary),
        'c2-user': {'order': member('authorizations', ported)},
        'c2-dot': {'order': member('authorizations', dotted)},
        'c2-challenge': {'authz': member('challenges', lambda t: [dict(
            t.reply.obj['challenges'][0],
            url='https://127.0.0.1:%d/x' % canary)])},
        'c2-finalize': {'order': member(
            'finalize', 'https://127.0.0.1:%d/x' % canary)},
        'c2-chain': at_last('https://127.0.0.1:%d/x' % canary),
        'c2-idn': authz_at('https://xn--127-0-0-1.example/'),
        'c3-file': authz_at('file:///etc/passwd'),
        'c3-gopher': authz_at('gopher://127.0.0.1:%d/1' % canary),
        'c3-dict': authz_at('dict://127.0.0.1:%d/' % canary),
        'c3-slashes': authz_at('//127.0.0.1:%d/' % canary),
        'c3-relative': authz_at('/authz/0/0'),
        'c3-script': authz_at('javascript:alert(1)'),
        'c3-long': {'order': member('authorizations', lambda t: [
            t.ca.url('authz', 0, 0) + '?' + 'a' * 100000])},
        'c3-blank': {'order': member('authorizations', lambda t: [
            t.ca.url('authz', 0, 0) + ' HTTP/1.1'])},
        'c3-crlf': {'order': member('authorizations', lambda t: [
            t.ca.url('authz', 0, 0) + '\r\nX: y'])},
        'c3-nul': {'order': member('authorizations', lambda t: [
            t.ca.url('authz', 0, 0) + '\0.evil.example'])},
        'c3-fragment': {'order': member('authorizations', lambda t: [
            t.ca.url('authz', 0, 0) + '#x'])},
        'c4': {'chain': links},
        'c5-order-missing': {'order': location(None)},
        'c5-order-elsewhere': {'order': location(
            'https://127.0.0.1:%d/look/0' % canary)},
        'c5-account-missing': {'account': location(None)},
        'c5-account-elsewhere': {'account': location(
            'https://127.0.0.1:%d/acct/1' % canary)},
        'c7': {'order': lambda t: t.reply.more.append(
            'Date: Mon, 01 Jan 2001 00:00:00 GMT')},
        'c8': {},
    }
    for name, values in {
            'minus': ['-1'], 'zero': ['0'], 'seconds': ['7200'],
            'years': ['1000000000'], 'digits': ['9' * 22],
            'date': ['Fri, 31 Dec 9999 23:59:59 GMT'],
            'past': ['Sun, 06 Nov 1994 08:49:37 GMT'], 'word': ['abc'],
            'two': ['60', '120']}.items():
        rows['c6-' + name] = {'order': retry(*values)}
    return rows


def table(canary):
    return {**table_b(), **table_c(canary)}
