"""TLS for scripted servers: a certificate of their own for 127.0.0.1 and localhost, and who signed it."""
import os
import shutil
import ssl
import subprocess
import tempfile


class Certificate:
    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="cert", dir="/tmp")
        self.ca_file, self.key = os.path.join(self.dir, "cert.pem"), os.path.join(self.dir, "key.pem")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=scripted",
                        "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost", "-keyout", self.key, "-out", self.ca_file],
                       check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self.context.load_cert_chain(self.ca_file, self.key)

    def wrap(self, c):
        return self.context.wrap_socket(c, server_side=True)

    def close(self):
        shutil.rmtree(self.dir, ignore_errors=True)
