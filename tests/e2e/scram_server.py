"""The server's side of SCRAM (RFC 5802, RFC 7677, RFC 9266), written from the RFCs alone and sharing nothing with the client's."""
import base64
import hashlib
import hmac
import os


class Refused(Exception):
    pass


class Store:
    """What a server keeps of a password."""

    def __init__(self, password, hash="sha256", rounds=4096, salt=None):
        self.hash, self.rounds, self.salt = hash, rounds, salt or os.urandom(16)
        salted = hashlib.pbkdf2_hmac(hash, password.encode(), self.salt, rounds)
        self.stored = hashlib.new(hash, self.mac(salted, b"Client Key")).digest()
        self.server = self.mac(salted, b"Server Key")

    def mac(self, key, text):
        return hmac.new(key, text, self.hash).digest()

    def dovecot(self):
        """As Dovecot's passdb has it."""
        b = lambda bytes: base64.b64encode(bytes).decode()
        return f"{{SCRAM-SHA-{'256' if self.hash == 'sha256' else '1'}}}{self.rounds},{b(self.salt)},{b(self.stored)},{b(self.server)}"


def serve(store, user, first, ask, bindings=None, offers_plus=True, spoil=lambda name, value: value):
    """One sign-in. `first`: the client's first message; ask(challenge) sends and returns the answer; `bindings`: type to bytes, as this end of the
    TLS connection has them, for a -PLUS mechanism, else None; `spoil` changes what is sent. Raises Refused."""
    flag, authzid, bare = first.decode().split(",", 2)
    if flag == "y" and offers_plus:
        ask(b"e=server-does-support-channel-binding")
        raise Refused("stripped")
    if (bindings is not None) != flag.startswith("p="):
        raise Refused("the binding is not the mechanism's")
    if bindings is not None and flag[2:] not in bindings:
        ask(b"e=unsupported-channel-binding-type")
        raise Refused("unsupported")
    fields = dict(part.split("=", 1) for part in bare.split(","))
    if fields["n"].replace("=2C", ",").replace("=3D", "=") != user or authzid:
        ask(b"e=unknown-user")
        raise Refused("user")
    nonce = spoil("nonce", fields["r"] + base64.b64encode(os.urandom(12)).decode())
    server_first = f"r={nonce},s={base64.b64encode(store.salt).decode()},i={spoil('rounds', store.rounds)}"
    final = ask(server_first.encode()).decode()
    without_proof, proof = final.rsplit(",p=", 1)
    c, r = without_proof.split(",", 1)
    header = (flag + ",,").encode() + (bindings[flag[2:]] if bindings is not None else b"")
    if base64.b64decode(c[2:]) != header:
        ask(b"e=channel-bindings-dont-match")
        raise Refused("binding")
    if r != "r=" + nonce:
        raise Refused("nonce")
    message = f"{bare},{server_first},{without_proof}".encode()
    signature = store.mac(store.stored, message)
    key = bytes(a ^ b for a, b in zip(base64.b64decode(proof), signature))
    if hashlib.new(store.hash, key).digest() != store.stored:
        ask(b"e=invalid-proof")
        raise Refused("proof")
    ask(b"v=" + base64.b64encode(spoil("signature", store.mac(store.server, message))))
