"""Certificates for tests, made on the spot from descriptions: tests/corpus/tls/certificates.json has a table of them."""
import base64
import datetime
import hashlib
import ipaddress
import os

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

NOW = datetime.datetime.utcnow()
USES = {"server": ExtendedKeyUsageOID.SERVER_AUTH, "client": ExtendedKeyUsageOID.CLIENT_AUTH}


def name(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


class Pair:
    """A key and its certificate. `chain`: PEM of what is sent behind it."""

    def __init__(self, cn, issuer=None, dns=(), ip=(), ca=False, days=(-1, 90), use=None, kind="ec", chain=""):
        self.cn, self.chain = cn, chain
        self.key = ec.generate_private_key(ec.SECP256R1()) if kind == "ec" else rsa.generate_private_key(65537, int(kind))
        signer = issuer or self
        b = x509.CertificateBuilder().subject_name(name(cn)).issuer_name(name(signer.cn)).public_key(self.key.public_key())
        b = b.serial_number(x509.random_serial_number())
        b = b.not_valid_before(NOW + datetime.timedelta(days=days[0])).not_valid_after(NOW + datetime.timedelta(days=days[1]))
        b = b.add_extension(x509.BasicConstraints(ca, None), critical=True)
        names = [x509.DNSName(d) for d in dns] + [x509.IPAddress(ipaddress.ip_address(a)) for a in ip]
        if names:
            b = b.add_extension(x509.SubjectAlternativeName(names), critical=False)
        if use:
            b = b.add_extension(x509.ExtendedKeyUsage([USES[u] for u in use]), critical=False)
        self.certificate = b.sign(signer.key, hashes.SHA256())

    @property
    def pem(self):
        return self.certificate.public_bytes(serialization.Encoding.PEM).decode() + self.chain

    @property
    def key_pem(self):
        return self.key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()).decode()

    @property
    def pin(self):
        der = self.key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        return "sha256/" + base64.b64encode(hashlib.sha256(der).digest()).decode()

    def write(self, folder, stem):
        """The paths of certificate (with chain) and key."""
        paths = os.path.join(folder, stem + ".pem"), os.path.join(folder, stem + ".key")
        for path, text in zip(paths, (self.pem, self.key_pem)):
            with open(path, "w") as f:
                f.write(text)
        return paths


class Authority:
    """A CA that the client trusts, an intermediate of it, and a CA that nobody trusts."""

    def __init__(self):
        self.root = Pair("Test CA", ca=True)
        self.middle = Pair("Test Intermediate", self.root, ca=True)
        self.stranger = Pair("Stranger CA", ca=True)
        self.issuers = {"root": self.root, "middle": self.middle, "stranger": self.stranger, "self": None}

    def make(self, cn="mail.rig.example", issuer="root", chain=(), **more):
        if issuer == "leaf":  # signed by one that is no authority
            leaf = self.make(dns=["mail.rig.example"])
            return Pair(cn, leaf, chain=leaf.pem, **more)
        return Pair(cn, self.issuers[issuer], chain="".join(self.issuers[c].pem for c in chain), **more)
