#!/usr/bin/env python3
"""Each way to a token, from the sign-in to mail read and sent: against oidc-provider, with a Dovecot and a Postfix that ask it about tokens."""
import os
import re
import shutil
import subprocess
import sys

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
        self.addCleanup(self.no_secret_lies_about)

    def no_secret_lies_about(self):
        """Neither in what was printed, nor in a file of the host (the vault's are sealed), is a token, the client's secret or the key."""
        with open(self.rig.info["oauth"]["service_account_key_file"]) as f:
            key = f.read().splitlines()[1]
        secrets = [*self.server.control(issued=True)["issued"], self.rig.info["oauth"]["client_secret"], key]
        places = {"printed": "\n".join(self.host.written).encode(), **self.host.files()}
        for secret in secrets:
            for place, data in places.items():
                self.assertNotIn(secret.encode(), data, place)

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


if __name__ == "__main__":
    harness.main()
