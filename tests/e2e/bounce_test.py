"""Delivery reports as they come back from a real Postfix, and forged ones, under a running watcher: the outbox tells of them, dead
addresses are suppressed, a forgery changes nothing, and the hand-over of mail is what it was."""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import harness
from harness import RigTest, wait_for

BLUEPRINT = """trigger:
  source: email
  credential_id: me
  match: {folder: INBOX, subject_regex: "^Plain"}
  start_from: all
  action:
    agent_id: noted
    session_template: per-message
    inputs: {subject: "{{ email.subject }}"}
"""
AGENT = """agent_id: noted
type: script
steps:
  - finish: {output_text: "noted: {{ inputs.subject }}"}
"""
REPORT = """From: mailer-daemon@mx.example
To: {to}
Subject: Undelivered Mail Returned to Sender
Message-ID: <{own}@mx.example>
MIME-Version: 1.0
Content-Type: multipart/report; report-type={type}; boundary=b

--b
Content-Type: text/plain

It went wrong.
--b
Content-Type: message/{type}

{fields}
--b
Content-Type: text/rfc822-headers

Message-ID: <{about}>
Subject: whatever
--b--
"""
DEAD = "Reporting-MTA: dns; mx.example\n\nFinal-Recipient: rfc822; {}\nAction: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 5.1.1 gone\n"
ABUSE = "Feedback-Type: abuse\nUser-Agent: x/1\nVersion: 1\nOriginal-Rcpt-To: <{}>\n"


class Bounces(RigTest):
    def setUp(self):
        super().setUp()
        self.user = f"{self._testMethodName}@rig.test"
        self.host.add_credential(self.rig.record("me", self.user), self.rig.password)
        self.host.ok("blueprint", "add", self.host.write("noted.yaml", BLUEPRINT))
        agents = os.path.join(self.host.dir, "agents")
        os.makedirs(agents)
        self.host.write("agents/noted.yaml", AGENT)
        self.reports = 0
        self.host.start("--agents", agents)
        self.plain("first")  # the watcher is there

    def plain(self, name):
        before = len(self.host.json("sessions", "list")["sessions"])
        self.rig.deliver(self.user, subject=f"Plain {name}")
        wait_for(f"the session of {name}", lambda: len(self.host.json("sessions", "list")["sessions"]) == before + 1, 20)

    def send(self, *to, key=None):
        args = {"credential_id": "me", "to": list(to), "subject": "An offer", "text": "Hello"}
        return self.host.call("email_send", {**args, "idempotency_key": key} if key else args)

    def recipients(self, sent):
        record = next(r for r in self.host.json("outbox", "list")["outbox"] if r["id"] == sent["outbox_id"])
        return {r["address"]: r for r in record["recipients"]}

    def suppressed(self):
        return {s["address"]: s for s in self.host.call("email_suppressions", {"credential_id": "me"})["suppressions"]}

    def report(self, about, fields, type="delivery-status"):
        self.reports += 1
        text = REPORT.format(to=self.user, own=f"{self._testMethodName}.{self.reports}", about=about, fields=fields, type=type)
        self.rig.deliver(self.user, sender="mailer-daemon@mx.example", file=self.host.write("report.eml", text))

    def test_a_bounce_of_a_real_server(self):
        sent = self.send("nobody@bounced.example", "good@rig.test")
        self.assertTrue(all(r["accepted"] for r in sent["recipients"]))  # taken at the door
        bounced = wait_for("the record tells of the bounce", lambda: self.recipients(sent)["nobody@bounced.example"].get("bounced"), 30)
        self.assertEqual((bounced["kind"], bounced["status"]), ("dead", "5.1.1"))
        self.assertIn("This mailbox takes no mail", bounced["diagnostic"])
        self.assertNotIn("bounced", self.recipients(sent)["good@rig.test"])
        entry = self.suppressed()["nobody@bounced.example"]
        self.assertEqual((entry["reason"], entry["status"], entry["message_id"]), ("bounce", "5.1.1", sent["message_id"]))
        self.assertEqual(set(self.suppressed()), {"nobody@bounced.example"})
        self.plain("after")

    def test_a_full_mailbox_is_noted_only(self):
        sent = self.send("anna@full.example")
        bounced = wait_for("the record tells of it", lambda: self.recipients(sent)["anna@full.example"].get("bounced"), 30)
        self.assertEqual((bounced["kind"], bounced["status"]), ("failed", "5.2.2"))
        self.assertEqual(self.suppressed(), {})

    def test_forgeries_change_nothing(self):
        sent = self.send("good@rig.test")
        self.report("never.sent@rig.test", DEAD.format("good@rig.test"))
        self.report(sent["message_id"], DEAD.format("boss@rig.test"))
        self.report("", DEAD.format("good@rig.test"))
        self.report(sent["message_id"], "\x01\x02 no fields at all")
        self.report(sent["message_id"], DEAD.format("x@y.example") * 2000)
        self.plain("after")  # the watcher has passed them, and lives
        self.assertEqual(self.suppressed(), {})
        self.assertNotIn("bounced", self.recipients(sent)["good@rig.test"])

    def test_a_complaint_and_its_release(self):
        sent = self.send("good@rig.test")
        self.report(sent["message_id"], ABUSE.format("good@rig.test"), "feedback-report")
        entry = wait_for("the complaint is on the list", lambda: self.suppressed().get("good@rig.test"), 20)
        self.assertEqual(entry["reason"], "complaint")
        self.assertNotIn("expires", entry)
        released = self.host.call("email_suppressions", {"credential_id": "me", "action": "release", "address": "good@rig.test"})
        self.assertTrue(released["changed"])
        self.report(sent["message_id"], ABUSE.format("good@rig.test"), "feedback-report")  # the same again is no news
        self.plain("after")
        self.assertEqual(self.suppressed(), {})

    def test_the_list_by_hand(self):
        add = {"credential_id": "me", "action": "add", "address": "gone@x.example", "reason": "left the company"}
        self.assertTrue(self.host.call("email_suppressions", add)["changed"])
        self.assertFalse(self.host.call("email_suppressions", add)["changed"])
        self.assertEqual(self.suppressed()["gone@x.example"]["said"], "left the company")
        for bad in ("nobody", "a@x.example, b@x.example", "a@x.example\r\nRCPT TO:<b@x.example>", ""):
            r = self.host.run("call", "email_suppressions", harness.json.dumps({**add, "address": bad}))
            self.assertNotEqual(r.returncode, 0, bad)
        self.assertEqual(set(self.suppressed()), {"gone@x.example"})


if __name__ == "__main__":
    harness.main()
