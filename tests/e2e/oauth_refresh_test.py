#!/usr/bin/env python3
"""Renewing: once however many ask, within one process and over several; a token endpoint that is busy; a grant that was taken back."""
import concurrent.futures
import json
import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import harness
from harness import wait_for
from oauth_account import approve, expire, handed_over, signed_in, watching
from oauth_side import Server

LOOK = {"credential_id": "me"}


class Refresh(harness.RigTest):
    options = ("--oauth",)

    def account(self, life=2, **more):
        """Signed in; every token is good for `life` seconds."""
        self.user = f"{self._testMethodName[5:25]}@rig.test"
        self.server = Server(self.rig)
        self.server.control(life=life, grace=0)
        self.addCleanup(self.server.control, life=3600, hold=False, refuse=None)
        signed_in(self.host, self.rig, self.user, **more)

    def refreshes(self):
        return self.server.count("refresh_token")

    def look(self):
        """One call from a process of its own: (worked, what it says)."""
        r = self.host.run("call", "email_mailboxes", json.dumps(LOOK), "--json")
        return r.returncode == 0, r.stdout + r.stderr

    def while_held(self, start):
        """Starts what asks for tokens while the server makes answers and keeps them; lets them go when all have had time to ask."""
        self.server.control(hold=True)
        self.addCleanup(self.server.control, hold=False)
        with concurrent.futures.ThreadPoolExecutor(50) as pool:
            asked = start(pool)
            wait_for("a token request", lambda: self.server.control()["held"], 30)
            time.sleep(0.5)  # whoever else would ask does so now
            self.server.control(hold=False)
            return [a.result() for a in asked]

    def test_fifty_callers_cause_one_refresh(self):
        self.account()
        self.host.start()
        expire(self.server)
        before = self.refreshes()
        answers = self.while_held(lambda pool: [pool.submit(self.host.quick_call, "email_mailboxes", LOOK) for _ in range(50)])
        self.assertEqual([a for a in answers if not a or a.get("isError")], [])
        self.assertEqual(self.refreshes() - before, 1)

    def test_processes_that_share_a_home_cause_one_refresh(self):
        self.account()
        expire(self.server)
        before = self.refreshes()
        answers = self.while_held(lambda pool: [pool.submit(self.look) for _ in range(4)])
        self.assertEqual([said for worked, said in answers if not worked], [])
        self.assertEqual(self.refreshes() - before, 1)

    def test_a_busy_token_endpoint_is_left_alone_and_not_called_bad_credentials(self):
        for status in (429, 503):
            with self.subTest(status=status):
                self.account(id=f"a{status}")
                look = {"credential_id": f"a{status}"}
                expire(self.server)
                self.server.control(refuse={"count": 1, "status": status, "retry_after": 3600})
                self.addCleanup(self.server.control, refuse=None)
                self.host.start("--virtual-clock")
                before = self.server.count()
                for _ in range(3):  # nothing is asked before the time that the server named
                    r = self.host.run("call", "email_mailboxes", json.dumps(look), "--json")
                    self.assertNotEqual(r.returncode, 0)
                    error = json.loads(r.stdout)["structuredContent"]
                    self.assertTrue(error.get("temporary"), error)
                    self.assertNotRegex(r.stdout + r.stderr, "(?i)sign in again|password|authorize")
                self.assertEqual(self.server.count() - before, 1)
                self.host.ok("clock", "advance", "61m")
                self.host.call("email_mailboxes", look)
                self.assertEqual(self.server.count() - before, 2)
                self.host.stop()

    def watcher(self):
        watchers = self.host.call("email_watch", LOOK)["watchers"]
        return watchers[0] if watchers else {}

    def test_a_revoked_grant_says_sign_in_again_and_recovers(self):
        self.account(life=3600)
        watching(self.host)
        self.rig.deliver(self.user, subject="before")
        wait_for("the first session", lambda: len(handed_over(self.host)) == 1, 30)
        self.assertEqual(self.server.control(revoke=self.user)["revoked"], 1)
        self.rig.run("kick", "--user", self.user)  # as servers do
        self.rig.deliver(self.user, subject="meanwhile")
        wait_for("the watcher says so", lambda: "sign in again" in json.dumps(self.watcher()).lower(), 30)
        self.assertIn("credential authorize me", json.dumps(self.watcher()))
        self.assertIn("sign in again", self.host.ok("credential", "list").lower())
        asked = self.server.count()
        worked, said = self.look()
        self.assertFalse(worked)
        self.assertIn("credential authorize me", said)
        self.assertEqual(self.server.count(), asked)  # nothing is asked until somebody has signed in
        status, text, _ = approve(self.host, self.rig, self.user)
        self.assertEqual(status, 0, text)
        self.assertTrue(self.look()[0])
        wait_for("what came meanwhile", lambda: len(handed_over(self.host)) == 2, 60)
        self.assertNotIn("sign in again", self.host.ok("credential", "list").lower())
        self.assertNotIn("sign in again", json.dumps(self.watcher()).lower())
        self.assertEqual(self.host.stop(), 0)

    def test_a_token_that_is_not_to_be_had_is_a_step_of_the_report(self):
        self.account()
        expire(self.server)
        self.assertEqual(self.server.control(revoke=self.user)["revoked"], 1)
        r = self.host.run("integration", "test", "--credential", "me", "--type", "mail", "--json")
        self.assertEqual(r.returncode, 1, r.stderr)
        [oauth] = json.loads(r.stdout)["structuredContent"]["servers"]  # no mail server is asked without one
        self.assertEqual((oauth["server"], oauth["ok"], [(s["step"], s["state"]) for s in oauth["steps"]]), ("oauth", False, [("token", "failed")]))
        self.assertIn("credential authorize me", oauth["steps"][0]["error"]["cure"])
        r = self.host.run("integration", "test", "--credential", "me", "--type", "mail")
        self.assertRegex(r.stdout + r.stderr, r"oauth +token +FAILED")
        self.assertIn("sign in again", self.host.ok("credential", "list").lower())
        # Tried with a record that cannot work either: what is noted of that one goes with it, what is noted of the account stays.
        changed = self.host.write("other.json", json.dumps({"oauth": {**self.host.json("credential", "show", "me")["oauth"], "client_id": "desktop-secret"}}))
        self.assertEqual(self.host.run("credential", "edit", "me", "--file", changed, "--test").returncode, 1)
        self.assertEqual(self.notes(), ["attention/me"])
        # Whoever signs in with a password from now on need not sign in again.
        self.host.ok("credential", "edit", "me", "--file", self.host.write("change.json", '{"authentication": "password"}'), "--secret-file",
                     f"password={self.host.write('pw.secret', self.rig.password)}", "--test")
        self.assertEqual(self.notes(), [])
        self.assertNotIn("sign in again", self.host.ok("credential", "list").lower())
        self.assertTrue(self.look()[0])

    def notes(self):
        return [key for (key,) in self.host.rows("SELECT key FROM state WHERE key LIKE 'attention/%'")]


if __name__ == "__main__":
    harness.main()
