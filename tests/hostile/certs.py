"""Certificates of the hostile CA: a root, an issuing CA, and leaves that are
right unless a row says otherwise; and those that its web server shows."""
import datetime
import ipaddress

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

DAY = datetime.timedelta(days=1)
HOUR = datetime.timedelta(hours=1)


def now():
    return datetime.datetime.utcnow().replace(microsecond=0)


def new_key():
    return ec.generate_private_key(ec.SECP256R1())


def named(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


class Issuer:
    """A CA's name and key, and its own certificate."""

    def __init__(self, name, parent=None):
        self.key = new_key()
        self.name = named(name)
        signer = parent or self
        self.cert = (
            x509.CertificateBuilder()
            .subject_name(self.name).issuer_name(signer.name)
            .public_key(self.key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now() - DAY)
            .not_valid_after(now() + 3650 * DAY)
            .add_extension(x509.BasicConstraints(True, None), True)
            .add_extension(
                x509.SubjectKeyIdentifier.from_public_key(
                    self.key.public_key()), False)
            .sign(signer.key, hashes.SHA256()))


class Leaf:
    """What a certificate will say; a row may change any of it first."""

    def __init__(self, public_key, names, issuer):
        self.public_key = public_key
        self.names = names
        self.common_name = ''
        self.issuer = issuer
        self.not_before = now() - HOUR
        self.not_after = now() + 90 * DAY
        self.serial = x509.random_serial_number()
        self.key_id = True
        self.more = []

    def sign(self):
        b = (x509.CertificateBuilder()
             .subject_name(named(self.common_name)
                           if self.common_name else x509.Name([]))
             .issuer_name(self.issuer.name).public_key(self.public_key)
             .serial_number(self.serial)
             .not_valid_before(self.not_before)
             .not_valid_after(self.not_after)
             .add_extension(x509.BasicConstraints(False, None), True)
             .add_extension(x509.ExtendedKeyUsage(
                 [ExtendedKeyUsageOID.SERVER_AUTH]), False))
        if self.names:
            b = b.add_extension(x509.SubjectAlternativeName(
                [x509.DNSName(n) for n in self.names]),
                not self.common_name)
        if self.key_id:
            b = b.add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(
                    self.issuer.key.public_key()), False)
        for extension, critical in self.more:
            b = b.add_extension(extension, critical)
        return b.sign(self.issuer.key, hashes.SHA256())


def pem(*certs):
    return b''.join(c.public_bytes(serialization.Encoding.PEM)
                    for c in certs)


def write_web(folder):
    """good, expired, other and self.pem, and trust.pem for who visits."""
    root = Issuer('Hostile Web Root')
    here = x509.IPAddress(ipaddress.ip_address('127.0.0.1'))
    far = x509.DNSName('elsewhere.example')
    for name, who, days, signer in (
            ('good', here, 3, root), ('expired', here, -1, root),
            ('other', far, 3, root), ('self', here, 3, None)):
        key = new_key()
        leaf = Leaf(key.public_key(), [], signer or Issuer('Self'))
        if signer is None:
            leaf.issuer.key = key
        leaf.not_before = now() - 3 * DAY
        leaf.not_after = now() + days * DAY
        leaf.more = [(x509.SubjectAlternativeName([who]), True)]
        with open('%s/%s.pem' % (folder, name), 'wb') as f:
            f.write(key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption()))
            f.write(pem(leaf.sign()))
    with open(folder + '/trust.pem', 'wb') as f:
        f.write(pem(root.cert))


def backwards(leaf):
    """One whose notAfter is before its notBefore. The library refuses to make
    it, so the two times of a good one change places in its bytes."""
    text = leaf.sign().public_bytes(serialization.Encoding.DER)
    early = leaf.not_before.strftime('%y%m%d%H%M%SZ').encode()
    late = leaf.not_after.strftime('%y%m%d%H%M%SZ').encode()
    return x509.load_der_x509_certificate(
        text.replace(early + b'\x17\x0d' + late, late + b'\x17\x0d' + early))
