"""The private authority of a rig, and the certificates that its servers show."""
import os


def make_all(folder, run):
    """ca.pem and server.*; wrong-name.* is the CA's too, but for another host; untrusted.* comes from a CA nobody knows."""
    os.makedirs(folder, exist_ok=True)
    def make(name, subject, *more):
        run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30", "-subj",
            f"/CN={subject}", "-keyout", f"{folder}/{name}.key", "-out", f"{folder}/{name}.pem", *more)
    def ca(name):
        make(name, f"Mailroom rig {name}", "-addext", "keyUsage=critical,keyCertSign,cRLSign")
    def leaf(name, signer, names):
        make(name, "rig", "-CA", f"{folder}/{signer}.pem", "-CAkey", f"{folder}/{signer}.key",
             "-addext", f"subjectAltName={names}", "-addext", "basicConstraints=critical,CA:FALSE",
             "-addext", "extendedKeyUsage=serverAuth")
    ours = "DNS:localhost,IP:127.0.0.1,IP:127.0.0.2"
    ca("ca")
    ca("unknown-ca")
    leaf("server", "ca", ours)
    leaf("wrong-name", "ca", "DNS:other.example,IP:192.0.2.1")
    leaf("untrusted", "unknown-ca", "DNS:localhost,IP:127.0.0.4")
