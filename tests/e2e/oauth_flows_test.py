#!/usr/bin/env python3
"""Each way to a token, from the sign-in to mail read and sent: against oidc-provider, with a Dovecot and a Postfix that ask it about tokens."""
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import urllib.parse

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import harness
import oauth_account
from oauth_account import SignIn, approve, signed_in
from oauth_side import Browser, Server

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../js"))
import modules  # noqa: E402


class Flows(harness.RigTest):
    options = ("--oauth",)

    def setUp(self):
        super().setUp()
        self.trace = os.path.join(self.host.dir, "trace")
        self.server = Server(self.rig)

    def reads_and_sends(self, email, word):
        """A message from outside is found, one to oneself arrives."""
        self.rig.deliver(email, subject=f"Offer {word}", wait=30)
        found = self.host.call("email_search", {"credential_id": "me", "subject": f"Offer {word}"})
        self.assertEqual([m["subject"] for m in found["messages"]], [f"Offer {word}"])
        sent = self.host.json("--trace", self.trace, "call", "email_send",
                              '{"credential_id": "me", "to": "%s", "subject": "Sent %s", "text": "x"}' % (email, word))["structuredContent"]
        self.assertEqual(sent["state"], "sent", sent)
        self.assertIn(f"Sent {word}", [m["subject"] for m in self.rig.maildir(email, wait=2)])

    def test_authorization_code(self):
        server = signed_in(self.host, self.rig, "code@rig.test")
        self.reads_and_sends("code@rig.test", "code")
        self.assertGreater(server.count("authorization_code", 200), 0)
        # Nobody is asked for what the module writes itself, or told to bring it along.
        self.assertIn("no secret that could be replaced", self.host.run("credential", "rotate", "me", "--propose").stderr)
        made_up = self.host.write("made-up.secret", "{\"access_token\": \"made-up-by-a-person\"}")
        self.assertIn("by the module itself", self.host.run("credential", "rotate", "me", "--secret-file", f"oauth_tokens={made_up}").stderr)
        self.assertNotIn("secrets", self.host.json("credential", "export")["credentials"][0])

    def test_device_code(self):
        server = signed_in(self.host, self.rig, "device@rig.test", "device_code", imap={"port": self.rig.info["imap_plain_port"], "tls": "starttls"},
                           smtp={"port": self.rig.info["smtp_submission_port"], "tls": "starttls"})
        self.reads_and_sends("device@rig.test", "device")
        self.assertEqual(server.count("device_code", 200), 1)

    def test_client_credentials(self):
        server = signed_in(self.host, self.rig, "invoices@rig.test", "client_credentials")
        self.reads_and_sends("invoices@rig.test", "invoices")
        self.assertGreater(server.count("client_credentials", 200), 0)

    def test_service_account(self):
        server = signed_in(self.host, self.rig, "orders@rig.test", "service_account")
        self.reads_and_sends("orders@rig.test", "orders")
        self.assertGreater(server.count("jwt-bearer", 200), 0)

    def test_a_real_browser(self):
        oauth_account.add(self.host, self.rig, "browser@rig.test")
        sign_in = SignIn(self.host)
        url = sign_in.until(r"https://\S+").group(0)
        binary = "/usr/lib/chromium/chromium"  # Debian's /usr/bin/chromium is a shell script around it
        page = subprocess.run(["node", os.path.join(harness.SOURCE, "tests/js/oauth_browser.js"), url, "browser@rig.test",
                               binary if os.path.exists(binary) else shutil.which("chromium")],
                              env={**os.environ, "NODE_PATH": modules.node_modules()}, capture_output=True, text=True, timeout=120)
        self.assertEqual(page.returncode, 0, page.stderr)
        status, text = sign_in.end()
        self.assertEqual(status, 0, text)
        self.assertRegex(page.stdout, r"http://(127\.0\.0\.1|localhost):\d+")
        self.reads_and_sends("browser@rig.test", "browser")

    def fails(self, *words):
        r = self.host.run("call", "email_mailboxes", '{"credential_id": "me"}')
        self.assertNotEqual(r.returncode, 0)
        for word in words:
            self.assertIn(word, r.stderr)

    def test_a_person_who_says_no(self):
        for grant in ("authorization_code", "device_code"):
            oauth_account.add(self.host, self.rig, "no@rig.test", grant)
            status, text, _ = approve(self.host, self.rig, "no@rig.test", answer="no")
            self.assertNotEqual(status, 0, text)
            self.assertIn("access_denied", text)
            self.fails("credential authorize me")

    def test_a_code_of_another_state_is_not_taken(self):
        oauth_account.add(self.host, self.rig, "state@rig.test")
        before = self.server.count("authorization_code")
        sign_in = SignIn(self.host)
        url = sign_in.until(r"https://\S+").group(0)
        self.assertIn("code_challenge_method=S256", url)
        # Some other page has the browser bring a code of its own choice: it is refused, the real one is still waited for.
        to = re.search(r"redirect_uri=([^&]+)", url).group(1).replace("%3A", ":").replace("%2F", "/")
        _, status, _ = Browser(self.rig.info["ca_file"]).open(to.rstrip("/") + "/?code=stolen&state=guessed")
        self.assertGreaterEqual(status, 400)
        Browser(self.rig.info["ca_file"]).approve(url, "state@rig.test")
        self.assertEqual(sign_in.end()[0], 0, sign_in.text)
        self.assertEqual(self.server.count("authorization_code") - before, 1)
        self.reads_and_sends("state@rig.test", "state")

    def redirect_of(self, url):
        """(port, state)"""
        fields = urllib.parse.parse_qs(urllib.parse.urlsplit(url).query)
        return urllib.parse.urlsplit(fields["redirect_uri"][0]).port, fields["state"][0]

    def says(self, port, data):
        """What the listener answers to these bytes, until it closes."""
        with socket.create_connection(("127.0.0.1", port)) as s:
            s.settimeout(60)
            try:
                s.sendall(data)
                return b"".join(iter(lambda: s.recv(4096), b""))
            except ConnectionError:
                return b""

    def test_whoever_else_comes_to_the_listener(self):
        oauth_account.add(self.host, self.rig, "listener@rig.test")
        before = self.server.count("authorization_code")
        sign_in = SignIn(self.host)
        url = sign_in.until(r"https://\S+").group(0)
        port, state = self.redirect_of(url)
        right = f"GET /?code=stolen-by-a-page&state={state} HTTP/1.1\r\n"
        self.assertIn(b" 404 ", self.says(port, (right + f"Host: evil.example:{port}\r\n\r\n").encode()))
        self.assertIn(b" 404 ", self.says(port, (right + "\r\n").encode()))
        self.assertEqual(self.says(port, right.encode() + b"X: " + b"x" * 20_000 + b"\r\n\r\n"), b"")
        idle = [socket.create_connection(("127.0.0.1", port)) for _ in range(40)]  # whoever keeps them all does not keep the browser out
        Browser(self.rig.info["ca_file"]).approve(url, "listener@rig.test")
        self.assertEqual(sign_in.end()[0], 0, sign_in.text)
        for s in idle:
            s.close()
        self.assertEqual(self.server.count("authorization_code") - before, 1)
        self.reads_and_sends("listener@rig.test", "listener")

    def test_two_sign_ins_at_once(self):
        oauth_account.add(self.host, self.rig, "twice@rig.test")
        self.host.start()
        both = [SignIn(self.host) for _ in range(2)]
        urls = [s.until(r"https://\S+").group(0) for s in both]
        self.assertNotEqual(*map(self.redirect_of, urls))
        for url in urls:
            Browser(self.rig.info["ca_file"]).approve(url, "twice@rig.test")
        for s in both:
            self.assertEqual(s.end()[0], 0, s.text)
        self.assertEqual(self.host.stop(), 0)
        self.reads_and_sends("twice@rig.test", "twice")

    def test_a_sign_in_that_nobody_finishes(self):
        """Ctrl-C, by a host of its own and by one that runs; the end of its time. The listener goes, nothing is stored."""
        for grant in ("authorization_code", "device_code"):
            for resident in (False, True):
                with self.subTest(grant=grant, resident=resident):
                    oauth_account.add(self.host, self.rig, "late@rig.test", grant)
                    if resident:
                        self.host.start("--virtual-clock")
                    sign_in = SignIn(self.host)
                    url = sign_in.until(r"https://\S+").group(0)
                    sign_in.process.send_signal(signal.SIGINT)
                    status, text = sign_in.end()
                    self.assertEqual(status, 1, text)
                    self.assertIn("cancelled", text)
                    self.gone(url, grant)
                    self.fails("credential authorize me")
                    if not resident:
                        continue
                    sign_in = SignIn(self.host)
                    url = sign_in.until(r"https://\S+").group(0)
                    self.host.ok("clock", "advance", "599s")
                    status, text = sign_in.end()
                    self.assertEqual(status, 1, text)
                    self.assertRegex(text, "nobody signed in in time|the code ran out")
                    self.gone(url, grant)
                    self.assertEqual(self.host.stop(), 0)

    def gone(self, url, grant):
        if grant == "authorization_code":
            with self.assertRaises(ConnectionRefusedError):
                socket.create_connection(("127.0.0.1", self.redirect_of(url)[0]))


if __name__ == "__main__":
    harness.main()
