#!/usr/bin/python3
"""SCRAM end to end: Dovecot with stored keys, over IMAP and through Postfix; -PLUS against a server written from the RFCs."""
import base64
import hashlib
import json
import os
import sys

if sys.executable != "/usr/bin/python3":  # the system's, whose pyOpenSSL exports keying material
    os.execv("/usr/bin/python3", ["/usr/bin/python3", *sys.argv])
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import unittest

from OpenSSL import SSL, crypto

import harness
from harness import Host
from imap_script import ImapScript, message
from scram_server import Refused, Store, serve
from scripted_tls import Certificate
from sink import Sink

PASSWORD = "pässword, with=commas"


class Tls(Certificate):
    """The same by pyOpenSSL, which tells what binds to the channel."""

    def __init__(self, version):
        super().__init__()
        self.context = SSL.Context(SSL.TLS_SERVER_METHOD)
        self.context.set_max_proto_version(version)
        self.context.use_certificate_file(self.ca_file)
        self.context.use_privatekey_file(self.key)
        with open(self.ca_file, "rb") as f:
            certificate = crypto.load_certificate(crypto.FILETYPE_PEM, f.read())
        self.end_point = hashlib.sha256(crypto.dump_certificate(crypto.FILETYPE_ASN1, certificate)).digest()

    def wrap(self, c):
        try:
            return Wrapped(self.context, c, self.end_point)
        except SSL.Error as e:
            raise OSError(e)


class Wrapped:
    """As much of a socket as a scripted server needs."""

    def __init__(self, context, c, end_point):
        self.raw, self.held = c, b""
        self.c = SSL.Connection(context, c)
        self.c.set_accept_state()
        self.c.do_handshake()
        self.bindings = {"tls-server-end-point": end_point}
        if self.c.get_protocol_version_name() == "TLSv1.3":
            self.bindings["tls-exporter"] = self.c.export_keying_material(b"EXPORTER-Channel-Binding", 32, b"")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.raw.close()

    def makefile(self, _):
        return self

    def sendall(self, data):
        try:
            self.c.sendall(data)
        except SSL.Error as e:
            raise OSError(e)  # the client has gone

    def readline(self):
        while b"\n" not in self.held:
            try:
                self.held += self.c.recv(65536)
            except SSL.Error:
                return b""
        line, _, self.held = self.held.partition(b"\n")
        return line + b"\n"

    def shutdown(self, how):
        self.raw.shutdown(how)


class Scripted(unittest.TestCase):
    """A server of our own that knows the -PLUS forms, which Dovecot 2.3 does not."""

    @classmethod
    def setUpClass(cls):
        cls.tls = {"1.3": Tls(SSL.TLS1_3_VERSION), "1.2": Tls(SSL.TLS1_2_VERSION)}

    @classmethod
    def tearDownClass(cls):
        for t in cls.tls.values():
            t.close()

    def setUp(self):
        self.host = Host()
        self.addCleanup(self.host.close)
        self.seen = []  # (mechanism, gs2 flag)

    def judge(self, mechanism, first, ask, bindings, store, **more):
        self.seen.append((mechanism, first.split(b",")[0].decode()))
        serve(store, "me@rig.test", first, ask, bindings if mechanism.endswith("-PLUS") else None, **more)

    def imap(self, offers, tls="1.3", store=None, known=None, **more):
        """A server that announces `offers`; `known`: the binding types it has, else all of this connection."""
        store = store or Store(PASSWORD)
        def fault(conn, tag, verb, rest):
            if verb != "AUTHENTICATE":
                return False
            mechanism, _, initial = rest.partition(" ")
            try:
                bindings = {k: v for k, v in conn.c.bindings.items() if known is None or k in known}
                self.judge(mechanism, base64.b64decode(initial), conn.ask, bindings, store, **more)
                conn.say(f"{tag} OK welcome")
            except Refused:
                conn.say(f"{tag} NO [AUTHENTICATIONFAILED] no")
            return True
        server = ImapScript("IMAP4rev1", fault, auth="SASL-IR " + " ".join("AUTH=" + m for m in offers), tls=self.tls[tls])
        self.addCleanup(server.close)
        server.boxes["INBOX"].add(message("one"))
        return server

    def fetch(self, server, password=PASSWORD, **more):
        """None, or the error."""
        self.host.add_credential(server.record(**more), password)
        r = self.host.run("call", "email_fetch", json.dumps({"credential_id": "me", "uid": 1}), "--json")
        self.host.ok("credential", "remove", "me")
        return None if r.returncode == 0 else json.loads(r.stdout)["structuredContent"]["error"]

    ALL = ("LOGIN", "PLAIN", "SCRAM-SHA-1", "SCRAM-SHA-1-PLUS", "SCRAM-SHA-256", "SCRAM-SHA-256-PLUS")

    def test_it_binds_to_the_connection(self):
        self.assertIsNone(self.fetch(self.imap(self.ALL)))
        self.assertIsNone(self.fetch(self.imap(self.ALL, "1.2")))
        self.assertIsNone(self.fetch(self.imap(self.ALL, known=["tls-server-end-point"])))
        self.assertIsNone(self.fetch(self.imap(("SCRAM-SHA-1-PLUS",), store=Store(PASSWORD, "sha1"))))
        self.assertEqual(self.seen, [("SCRAM-SHA-256-PLUS", "p=tls-exporter"), ("SCRAM-SHA-256-PLUS", "p=tls-server-end-point"),
                                     ("SCRAM-SHA-256-PLUS", "p=tls-exporter"), ("SCRAM-SHA-256-PLUS", "p=tls-server-end-point"),
                                     ("SCRAM-SHA-1-PLUS", "p=tls-exporter")])

    def test_another_connection_is_noticed(self):
        """Somebody ends the TLS connection in between and passes the words on: the server sees another channel."""
        server = self.imap(self.ALL)
        wrap = server.tls.wrap
        def elsewhere(c):
            w = wrap(c)
            w.bindings = {k: bytes(len(v)) for k, v in w.bindings.items()}
            return w
        server.tls = type("Between", (), {"wrap": staticmethod(elsewhere), "ca_file": server.tls.ca_file})
        error = self.fetch(server)
        self.assertEqual((error["code"], error["server_said"]), ("protocol", "channel-bindings-dont-match"))
        self.assertIn("another TLS connection", error["what"])
        self.assertEqual(len(self.seen), 1)

    def test_a_stripped_offer_is_noticed(self):
        """The -PLUS forms do not reach us, though the server has them."""
        error = self.fetch(self.imap(("PLAIN", "SCRAM-SHA-256")))
        self.assertEqual(self.seen, [("SCRAM-SHA-256", "y")])
        self.assertEqual(error["code"], "protocol")
        self.assertIn("its offer did not reach us", error["what"])
        self.assertIsNone(self.fetch(self.imap(("PLAIN", "SCRAM-SHA-256"), offers_plus=False)))

    def test_a_server_that_does_not_know_us_is_not_believed(self):
        for name, spoiled, words in (("signature", lambda v: bytes(len(v)), "does not know the password"),
                                     ("nonce", lambda v: "x" + v, "nonce"),
                                     ("rounds", lambda v: 1000, "1000 rounds"), ("rounds", lambda v: 2_000_000_000, "rounds")):
            error = self.fetch(self.imap(("SCRAM-SHA-256",), offers_plus=False, spoil=lambda n, v: spoiled(v) if n == name else v))
            self.assertEqual(error["code"], "protocol", name)
            self.assertIn(words, error["what"])

    def test_a_wrong_password_is_tried_once(self):
        error = self.fetch(self.imap(self.ALL), "planted-wrong")
        self.assertEqual(error["code"], "auth")
        self.assertIn("invalid-proof", error["server_said"])
        self.assertEqual(len(self.seen), 1)

    def test_only_what_the_credential_allows(self):
        error = self.fetch(self.imap(("PLAIN", "LOGIN", "SCRAM-SHA-256")), sasl=["SCRAM-SHA-256-PLUS"])
        self.assertEqual((error["code"], self.seen), ("unsupported", []))
        self.assertIn("sasl", error["cure"])

    def test_smtp(self):
        def on_auth(mechanism, initial, ask):
            try:
                self.judge(mechanism, initial, ask, self.bindings, Store(PASSWORD))
                return "235 2.7.0 ok"
            except Refused:
                return "535 5.7.8 no"
        sink = Sink(auth="PLAIN SCRAM-SHA-256 SCRAM-SHA-256-PLUS", tls=self.tls["1.3"])
        self.addCleanup(sink.close)
        sink.on_auth = on_auth
        wrap = self.tls["1.3"].wrap
        def noted(c):
            w = wrap(c)
            self.bindings = w.bindings
            return w
        sink.tls = type("Noted", (), {"wrap": staticmethod(noted), "ca_file": self.tls["1.3"].ca_file})
        for password, state in ((PASSWORD, 0), ("planted-wrong", 1)):
            self.host.add_credential(sink.record(username="me@rig.test"), password)
            r = self.host.run("call", "email_send", json.dumps({"credential_id": "me", "to": ["a@b.example"], "subject": "s", "text": "t"}), "--json")
            self.assertEqual(r.returncode != 0, bool(state), r.stdout)
            self.host.ok("credential", "remove", "me")
        self.assertEqual(self.seen[:2], [("SCRAM-SHA-256-PLUS", "p=tls-exporter")] * 2)
        self.assertEqual(len(sink.messages), 1)
        self.assertFalse([c for c in sink.commands if c.startswith(b"AUTH PLAIN")])


class Dovecot(harness.RigTest):
    """Real servers with stored keys; the password itself is nowhere on them."""
    options = ("--scram",)

    def setUp(self):
        super().setUp()
        with open(os.path.join(self.rig.dir, "dovecot", "scram.passwd"), "w") as f:
            f.write(f"sha256@rig.test:{Store(PASSWORD).dovecot()}\nsha1@rig.test:{Store(PASSWORD, 'sha1', 10_000).dovecot()}\n")

    def used(self, user, password=PASSWORD, **more):
        """A search, and a send to oneself."""
        self.host.add_credential(self.rig.record("me", user, **more), password)
        results = [self.host.run("call", tool, json.dumps({"credential_id": "me", **args}), "--json")
                   for tool, args in (("email_search", {}), ("email_send", {"to": [user], "subject": "s", "text": "t"}))]
        self.host.ok("credential", "remove", "me")
        return results

    def test_stored_keys_of_both_hashes_over_imap_and_smtp(self):
        for user, more in (("sha256@rig.test", {}), ("sha1@rig.test", {"sasl": ["SCRAM-SHA-1"]})):
            for r in self.used(user, **more):
                self.assertEqual(r.returncode, 0, r.stdout)
            self.assertEqual(len(self.rig.maildir(user, wait=1)), 1)
        with open(os.path.join(self.rig.dir, "log", "dovecot.log"), errors="replace") as f:
            log = f.read()
        for name in ("SCRAM-SHA-256", "SCRAM-SHA-1"):
            self.assertIn(f"method={name},", log)
        self.assertNotIn("method=PLAIN", log)
        with open(os.path.join(self.rig.dir, "log", "postfix.log"), errors="replace") as f:
            log = f.read()
        for name in ("SCRAM-SHA-256", "SCRAM-SHA-1"):
            self.assertIn(f"sasl_method={name},", log)

    def test_a_wrong_password(self):
        for r in self.used("sha256@rig.test", "planted-wrong"):
            self.assertNotEqual(r.returncode, 0)
            self.assertIn('"auth"', r.stdout)
            self.assertNotIn("planted-wrong", r.stdout)


if __name__ == "__main__":
    harness.main()
