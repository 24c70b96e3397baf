#!/usr/bin/env python3
"""The rig's own OAuth 2: Dovecot and Postfix take a good token for its mailbox, and no other, whatever program brings it."""
import base64
import imaplib
import json
import smtplib
import ssl
import subprocess
import time
import urllib.parse
import urllib.request

import harness
from oauth_side import Browser, Server

USER = "quotes@rig.test"


def xoauth2(user, token):
    return f"user={user}\1auth=Bearer {token}\1\1"


def oauthbearer(user, token):
    return f"n,a={user},\1host=localhost\1port=993\1auth=Bearer {token}\1\1"


FORMS = {"XOAUTH2": xoauth2, "OAUTHBEARER": oauthbearer}


class OAuthRig(harness.RigTest):
    options = ("--oauth",)

    def setUp(self):
        self.server = Server(self.rig)
        self.context = ssl.create_default_context(cafile=self.rig.info["ca_file"])
        self.addCleanup(self.server.control, life=3600)

    def imap(self, mechanism, user, token):
        """None, or the server's words."""
        said = []
        with imaplib.IMAP4_SSL("127.0.0.1", self.rig.info["imap_tls_port"], ssl_context=self.context) as session:
            def answer(challenge):
                said.append(challenge)
                return FORMS[mechanism](user, token).encode() if len(said) == 1 else b"\1" if mechanism == "OAUTHBEARER" else b""
            try:
                session.authenticate(mechanism, answer)
                session.select("INBOX")
                return None
            except imaplib.IMAP4.error as e:
                return f"{said[-1]} {e}"

    def smtp(self, mechanism, user, token):
        with smtplib.SMTP_SSL("127.0.0.1", self.rig.info["smtp_tls_port"], context=self.context) as session:
            session.ehlo()
            self.assertIn(mechanism, session.esmtp_features["auth"].split())
            code, words = session.docmd("AUTH", f"{mechanism} {base64.b64encode(FORMS[mechanism](user, token).encode()).decode()}")
            if code == 334:
                code, words = session.docmd("" if mechanism == "XOAUTH2" else "AQ==")
            if code != 235:
                return f"{code} {words}"
            session.sendmail(user, [user], f"From: {user}\r\nTo: {user}\r\nSubject: by token\r\n\r\nx\r\n")
            return None

    def everywhere(self, user, token):
        return [self.imap(m, user, token) for m in FORMS] + [self.smtp(m, user, token) for m in FORMS]

    def test_good_tokens_are_taken_by_both_servers_and_mechanisms(self):
        token = self.server.sign_in(USER)["access_token"]
        self.assertEqual(self.everywhere(USER, token), [None] * 4)
        self.assertEqual(len(self.rig.maildir(USER, wait=2)), 2)

    def test_made_up_tokens_and_those_of_another_are_refused(self):
        other = self.server.sign_in("other@rig.test")["access_token"]
        for token in ("made-up", other, self.rig.password):
            self.assertNotIn(None, self.everywhere(USER, token), token)

    def test_expired_and_revoked_tokens_are_refused(self):
        self.server.control(life=2)
        short = self.server.sign_in("short@rig.test")
        self.server.control(life=3600)
        long = self.server.sign_in("long@rig.test")["access_token"]
        self.assertIsNone(self.imap("XOAUTH2", "long@rig.test", long))
        self.assertEqual(self.server.control(revoke="long@rig.test")["revoked"], 1)
        self.assertNotIn(None, self.everywhere("long@rig.test", long))
        time.sleep(2.1)  # what is tried is that time makes it worthless
        self.assertNotIn(None, self.everywhere("short@rig.test", short["access_token"]))
        self.assertEqual(self.server.token(grant_type="refresh_token", refresh_token=short["refresh_token"], client_id="desktop")[0], 200)

    def test_refresh_tokens_rotate_and_a_used_one_ends_the_grant(self):
        first = self.server.sign_in(USER)["refresh_token"]
        def refresh(token):
            status, answer = self.server.token(grant_type="refresh_token", refresh_token=token, client_id="desktop")
            return status, answer.get("refresh_token") or answer["error"]
        status, second = refresh(first)
        self.assertEqual((status, second != first), (200, True))
        self.assertEqual(refresh(first), (400, "invalid_grant"))
        self.assertEqual(refresh(second), (400, "invalid_grant"))
        third = self.server.sign_in(USER)["refresh_token"]
        self.server.control(grace=30)
        self.addCleanup(self.server.control, grace=0)
        self.assertEqual([refresh(third)[0], refresh(third)[0]], [200, 200])

    def test_the_flows_without_a_person(self):
        secret = self.server.about["client_secret"]
        status, answer = self.server.token(grant_type="client_credentials", client_id="app.invoices", client_secret=secret, scope="mail")
        self.assertEqual((status, answer.get("refresh_token")), (200, None), answer)
        self.assertEqual(self.everywhere("invoices@rig.test", answer["access_token"]), [None] * 4)
        self.assertIsNotNone(self.imap("XOAUTH2", USER, answer["access_token"]))
        self.assertEqual(self.server.token(grant_type="client_credentials", client_id="app.invoices", client_secret="wrong")[0], 401)
        def ask(**changes):
            return self.server.token(grant_type="urn:ietf:params:oauth:grant-type:jwt-bearer", assertion=self.assertion(**changes))
        status, answer = ask(sub="orders@rig.test")
        self.assertEqual(status, 200, answer)
        self.assertEqual(self.everywhere("orders@rig.test", answer["access_token"]), [None] * 4)
        now = int(time.time())
        for wrong in ({"aud": "https://other.example/token"}, {"iss": "nobody@rig.test"}, {"exp": now - 10}, {"exp": now + 7200}):
            self.assertEqual(ask(**wrong)[1]["error"], "invalid_grant", wrong)

    def assertion(self, **changes):
        now = int(time.time())
        claims = {"iss": self.server.about["service_account"], "sub": USER, "aud": self.server.about["token_endpoint"], "iat": now, "exp": now + 600,
                  **changes}
        def part(data):
            return base64.urlsafe_b64encode(data).rstrip(b"=")
        signed = part(json.dumps({"alg": "RS256", "kid": self.server.about["key_id"]}).encode()) + b"." + part(json.dumps(claims).encode())
        signature = subprocess.run(["openssl", "dgst", "-sha256", "-sign", self.server.about["service_account_key_file"]], input=signed,
                                   capture_output=True, check=True).stdout
        return (signed + b"." + part(signature)).decode()

    def test_the_device_flow(self):
        data = urllib.parse.urlencode({"client_id": "desktop", "scope": "mail"}).encode()
        with urllib.request.urlopen(self.server.about["device_authorization_endpoint"], data, context=self.context) as r:
            device = json.load(r)
        self.assertEqual(device["interval"], 1)
        def poll():
            return self.server.token(grant_type="urn:ietf:params:oauth:grant-type:device_code", client_id="desktop", device_code=device["device_code"])
        self.assertEqual(poll()[1]["error"], "authorization_pending")
        page = Browser(self.rig.info["ca_file"]).approve(device["verification_uri_complete"], USER)
        self.assertIn("Done", page[2], page)
        status, answer = poll()
        self.assertEqual(status, 200, answer)
        self.assertIsNone(self.imap("XOAUTH2", USER, answer["access_token"]))
        self.assertIn("refresh_token", answer)

    def test_its_operator_counts_refuses_and_holds(self):
        before = self.server.count()
        self.server.control(refuse={"count": 2, "status": 429, "retry_after": 1})
        for _ in range(2):
            self.assertEqual(self.server.token(grant_type="refresh_token", refresh_token="x", client_id="desktop")[0], 429)
        self.assertEqual(self.server.token(grant_type="refresh_token", refresh_token="x", client_id="desktop")[0], 400)
        self.assertEqual(self.server.count() - before, 3)


if __name__ == "__main__":
    harness.main()
