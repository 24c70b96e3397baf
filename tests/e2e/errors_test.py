"""What goes wrong, as a person meets it: one line with cause and cure, exit status not 0, no secret in it, nothing lost."""
import contextlib
import json
import os
import shutil
import socket
import sys
import threading

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import harness
from harness import BUILD, RigTest, wait_for

WRONG = "planted-wrong-password-7731"
FORWARD = """trigger:
  source: email
  credential_id: me
  match:
    folder: INBOX
  start_from: all
  action:
    agent_id: forward
    session_template: per-message
    inputs:
      subject: "{{ email.subject }}"
"""
FORWARDER = """agent_id: forward
type: script
grants: {{me: [send]}}
steps:
  - call: email_send
    arguments: {{to: {to}, subject: "Fwd: {{{{ inputs.subject }}}}", text: "See below."}}
  - finish:
      output_text: "forwarded"
"""


class Errors(RigTest):
    def fails(self, r, *words):
        """Exit status not 0; the last line of stderr holds every word of `words`; no password anywhere."""
        self.assertNotEqual(r.returncode, 0, r.stdout)
        lines = [l for l in r.stderr.strip().splitlines() if not l.startswith("development build:")]
        self.assertEqual(len(lines), 1, f"one line is expected on stderr: {r.stderr!r}")
        for word in words:
            self.assertIn(word.lower(), lines[0].lower(), lines[0])
        for secret in (self.rig.password, WRONG):
            self.assertNotIn(secret, r.stdout + r.stderr)
        return lines[0]

    def credential(self, id="me", email="me@rig.test", secret=None, **changes):
        self.host.add_credential(self.rig.record(id, email, **changes), secret or self.rig.password)

    def mailboxes(self):
        return self.host.run("call", "email_mailboxes", json.dumps({"credential_id": "me"}))

    def send(self, to, key):
        return self.host.run("call", "email_send", json.dumps({
            "credential_id": "me", "to": [to], "subject": "Probe", "text": "Hello.", "idempotency_key": key}))

    def test_the_right_way_works(self):
        self.credential()
        self.assertEqual(self.mailboxes().returncode, 0)

    def test_wrong_password(self):
        self.credential(secret=WRONG)
        self.fails(self.mailboxes(), "sign-in", "server said", "password")
        self.fails(self.send("other@rig.test", "k1"), "sign-in", "server said", "password")

    def test_untrusted_certificate(self):
        self.credential(imap={"host": self.rig.info["untrusted_host"]}, smtp={"host": self.rig.info["untrusted_host"]})
        self.fails(self.mailboxes(), "certificate", "not trusted", "CA file")
        self.fails(self.send("other@rig.test", "k2"), "certificate", "not trusted", "CA file")

    def test_wrong_host_name(self):
        self.credential(imap={"host": self.rig.info["wrong_name_host"]}, smtp={"host": self.rig.info["wrong_name_host"]})
        self.fails(self.mailboxes(), "certificate", self.rig.info["wrong_name_host"])
        self.fails(self.send("other@rig.test", "k3"), "certificate", self.rig.info["wrong_name_host"])

    def test_refused_recipient(self):
        self.credential()
        line = self.fails(self.send("refused@rig.test", "k4"), "refused@rig.test", "550")
        self.assertIn("server said", line)
        before = len(self.rig.maildir("beside@rig.test"))
        r = self.host.run("call", "email_send", json.dumps({
            "credential_id": "me", "to": ["refused@rig.test", "beside@rig.test"], "subject": "Half", "text": "x",
            "idempotency_key": "k5"}), "--json")
        structured = json.loads(r.stdout)["structuredContent"]
        fate = {x["address"]: x["accepted"] for x in structured["recipients"]}
        self.assertEqual(fate, {"refused@rig.test": False, "beside@rig.test": True})
        self.assertEqual(len(self.rig.maildir("beside@rig.test", wait=before + 1)), before + 1)

    def test_nothing_listens(self):
        self.credential(imap={"port": 9})
        self.fails(self.mailboxes(), "127.0.0.1:9", "refused")

    def test_unknown_host(self):
        self.credential(imap={"host": "no-such-host.invalid"})
        self.fails(self.mailboxes(), "no-such-host.invalid", "address")

    def trial(self):
        """integration test: exit status, {(server, step): the step}, the whole answer; no password anywhere."""
        r = self.host.run("integration", "test", "--credential", "me", "--type", "mail", "--json")
        for secret in (self.rig.password, WRONG):
            self.assertNotIn(secret, r.stdout + r.stderr)
        self.assertTrue(r.stdout, r.stderr)
        answer = json.loads(r.stdout)
        report = answer["structuredContent"]
        self.assertEqual(report["ok"], r.returncode == 0)
        self.assertEqual(bool(answer.get("isError")), r.returncode != 0)
        return r.returncode, {(s["server"], x["step"]): x for s in report["servers"] for x in s["steps"]}, report

    ALL_STEPS = [("imap", s) for s in ("dns", "tcp", "tls", "greeting", "authentication", "capabilities", "select")] + [
        ("smtp", s) for s in ("dns", "tcp", "tls", "greeting", "authentication", "capabilities")]

    def test_integration_test_of_a_good_account(self):
        for tls, imap, smtp in (("implicit", "imap_tls_port", "smtp_tls_port"), ("starttls", "imap_plain_port", "smtp_submission_port")):
            self.credential(imap={"port": self.rig.info[imap], "tls": tls}, smtp={"port": self.rig.info[smtp], "tls": tls})
            status, steps, report = self.trial()
            self.assertEqual((status, list(steps)), (0, self.ALL_STEPS), report)
            for name, step in steps.items():
                self.assertEqual(step["state"], "ok", name)
                self.assertTrue(0 <= step["ms"] < 5000, (name, step))
            for server in ("imap", "smtp"):
                self.assertRegex(steps[server, "tls"]["detail"], r"^TLSv1\.[23], certificate good for [1-9]\d* days?$")
            self.assertIn("IDLE", steps["imap", "capabilities"]["detail"])
            lines = self.host.ok("integration", "test", "me").splitlines()  # the name alone will do
            self.assertEqual([tuple(l.split()[:3]) for l in lines], [(*s, "ok") for s in self.ALL_STEPS])
        self.assertEqual(self.host.json("outbox", "list")["outbox"], [])
        self.assertEqual(self.rig.maildir("me@rig.test"), [])

    def test_a_message_to_oneself_there_and_back(self):
        self.credential()
        r = self.host.run("integration", "test", "me", "--send-to-self", "--json")
        self.assertEqual(r.returncode, 0, r.stdout + r.stderr)
        mail = json.loads(r.stdout)["structuredContent"]["servers"][-1]
        self.assertEqual([(s["step"], s["state"]) for s in mail["steps"]], [("handed_in", "ok"), ("arrived", "ok")])
        self.assertLessEqual(mail["steps"][0]["ms"], mail["steps"][1]["ms"])
        self.assertEqual(self.rig.maildir("me@rig.test"), [])  # and removed again
        answer = self.host.json("call", "email_test", json.dumps({"credential_id": "me", "send_to_self": True}))
        self.assertTrue(answer["structuredContent"]["ok"])
        self.assertTrue(answer["_meta"]["aoh"]["taint"])

    def test_the_tool_says_what_the_verb_says(self):
        self.credential(secret=WRONG)
        answer = json.loads(self.host.run("call", "email_test", '{"credential_id": "me"}', "--json").stdout)
        self.assertTrue(answer["isError"])
        steps = {(s["server"], x["step"]): x for s in answer["structuredContent"]["servers"] for x in s["steps"]}
        self.assertEqual(steps["imap", "authentication"]["error"]["code"], "auth")
        self.assertTrue(answer["structuredContent"]["untrusted"])
        self.assertIn(steps["imap", "authentication"]["error"]["server_said"], answer["content"][0]["text"])

    def test_integration_test_with_a_wrong_password(self):
        self.credential(secret=WRONG)
        status, steps, _ = self.trial()
        self.assertEqual(status, 1)
        for server in ("imap", "smtp"):
            self.assertEqual([steps[server, s]["state"] for s in ("tcp", "tls", "greeting", "authentication")], ["ok", "ok", "ok", "failed"])
            error = steps[server, "authentication"]["error"]
            self.assertEqual(error["code"], "auth")
            self.assertIn("password", error["cure"])
            self.assertTrue(error["server_said"])
            self.assertNotIn(error["server_said"], error["what"])
        self.assertEqual(steps["imap", "select"]["state"], "skipped")
        r = self.host.run("integration", "test", "me")
        self.fails(r, "me failed")
        self.assertIn("imap  authentication  FAILED", r.stdout)
        self.assertIn("server said", r.stdout)

    def test_integration_test_with_a_wrong_host_name(self):
        wrong = self.rig.info["wrong_name_host"]
        self.credential(imap={"host": wrong}, smtp={"host": wrong, "port": self.rig.info["smtp_submission_port"], "tls": "starttls"})
        status, steps, _ = self.trial()
        self.assertEqual(status, 1)
        for server in ("imap", "smtp"):
            self.assertEqual([steps[server, s]["state"] for s in ("tcp", "tls", "greeting", "authentication")], ["ok", "failed", "skipped", "skipped"])
            self.assertEqual(steps[server, "tls"]["error"]["code"], "certificate")
            self.assertIn(wrong, steps[server, "tls"]["error"]["what"])

    def test_integration_test_with_a_closed_port_tries_the_other_server(self):
        self.credential(imap={"port": 9})
        status, steps, report = self.trial()
        self.assertEqual(status, 1)
        self.assertEqual(steps["imap", "tcp"]["error"]["code"], "connect")
        self.assertIn("port", steps["imap", "tcp"]["error"]["cure"])
        self.assertEqual([s["ok"] for s in report["servers"]], [False, True])
        self.credential(imap={"host": "no-such-host.invalid"}, smtp={"port": 9})
        _, steps, _ = self.trial()
        self.assertEqual(steps["imap", "dns"]["error"]["code"], "dns")
        self.assertEqual(steps["smtp", "tcp"]["error"]["code"], "connect")

    def test_integration_test_of_an_inbox_that_does_not_open(self):
        server = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(server.close)
        seen = []

        def serve():
            while True:
                try:
                    s, _ = server.accept()
                except OSError:
                    return
                with s, contextlib.suppress(ConnectionError), s.makefile("rwb", buffering=0) as f:
                    f.write(b"* OK [CAPABILITY IMAP4rev1] ready\r\n")
                    for line in f:
                        tag, command = line.split()[:2]
                        seen.append(command)
                        no = command in (b"EXAMINE", b"SELECT")
                        caps = b"* CAPABILITY IMAP4rev1\r\n" if command == b"CAPABILITY" else b""
                        f.write(caps + tag + (b" NO the mailbox is being repaired\r\n" if no else b" OK done\r\n"))

        threading.Thread(target=serve, daemon=True).start()
        record = self.rig.record("me", "me@rig.test", require_tls=False, imap={"host": "127.0.0.1", "port": server.getsockname()[1], "tls": "none"})
        del record["smtp"]
        self.host.add_credential(record, self.rig.password)
        status, steps, _ = self.trial()
        self.assertEqual(status, 1)
        self.assertEqual([x["state"] for x in steps.values()], ["ok"] * 5 + ["failed"], steps)
        self.assertIn("being repaired", steps["imap", "select"]["error"]["server_said"])
        self.assertNotIn(b"SELECT", seen)  # read-only: nothing in the mailbox changes

    def test_integration_test_of_nothing(self):
        self.fails(self.host.run("integration", "test", "nobody"), "nobody")
        self.credential()
        self.fails(self.host.run("integration", "test", "me", "--type", "web"), "mail", "web")

    def forwarding(self, to, **start):
        """A host whose sessions forward what comes to fwd-TO to the address `to`."""
        self.user = "fwd-" + to
        self.credential(email=self.user)
        self.host.ok("blueprint", "add", self.host.write("forward.yaml", FORWARD))
        self.agents = os.path.join(self.host.dir, "agents")
        os.makedirs(self.agents, exist_ok=True)
        self.host.write("agents/forward.yaml", FORWARDER.format(to=to))
        self.host.start("--agents", self.agents, **start)

    def the_session(self, condition, seconds=20):
        def look():
            rows = self.host.json("sessions", "list")["sessions"]
            return rows[0] if rows and condition(rows[0]) else None
        return wait_for("the session", look, seconds)

    def test_sessions_retry_sends_what_was_refused_once_the_cause_is_gone(self):
        self.forwarding("refused@rig.test")
        self.rig.deliver(self.user, subject="Forward me")
        session = self.the_session(lambda s: s["state"] == "failed")
        self.assertIn("refused@rig.test", session["error"])
        self.host.ok("sessions", "retry", session["id"])  # nothing has changed: refused again, by the server
        wait_for("the second refusal", lambda: len(self.host.json("outbox", "list")["outbox"]) == 2, 15)
        self.the_session(lambda s: s["state"] == "failed")
        self.host.write("agents/forward.yaml", FORWARDER.format(to="retried@rig.test"))
        self.host.ok("sessions", "retry", session["id"])
        self.the_session(lambda s: s["state"] == "finished")
        self.assertEqual([m["subject"] for m in self.rig.maildir("retried@rig.test", wait=1)], ["Fwd: Forward me"])
        self.assertEqual([r["state"] for r in self.host.json("outbox", "list")["outbox"]], ["refused", "refused", "sent"])
        self.fails(self.host.run("sessions", "retry", session["id"]), "nothing to retry")
        # What can never go again is not kept: the last bytes go when the copy lies in Sent, which is after the session's end.
        wait_for("the bytes to be freed", lambda: os.listdir(os.path.join(self.host.home, "blobs")) == [], 15)
        self.assertEqual(self.host.json("sessions", "show", session["id"])["taint"], ["trigger:forward"])

    def uncertain(self, to):
        """The session whose send was cut at the commit point by kill -9, and the outbox record's id."""
        self.forwarding(to, env={"AOH_FAULTS": "state.applied~:committing=kill"})
        self.rig.deliver(self.user, subject="Forward me")
        wait_for("the crash", lambda: self.host.daemon.poll() is not None, 20)
        self.host.daemon = None
        self.host.start("--agents", self.agents)
        session = self.the_session(lambda s: s["uncertain"] == 1)
        self.fails(self.host.run("sessions", "retry", session["id"]), "uncertain", "outbox resolve")
        (record,) = self.host.json("outbox", "list")["outbox"]
        self.assertEqual(record["state"], "uncertain")
        return session["id"], record["id"]

    def test_an_uncertain_send_that_a_person_calls_sent_is_uncertain_no_more(self):
        session, record = self.uncertain("settled@rig.test")
        self.assertIn(session, self.host.ok("outbox", "resolve", record, "sent"))
        settled = self.the_session(lambda s: s["state"] == "finished")
        self.assertEqual((settled["id"], settled["uncertain"]), (session, 0))
        self.assertEqual(self.host.json("sessions", "list", "--state", "uncertain")["sessions"], [])
        self.assertEqual(self.rig.maildir("settled@rig.test"), [])  # nothing was sent again

    def test_an_uncertain_send_that_a_person_calls_failed_goes_out_by_a_retry(self):
        session, record = self.uncertain("again@rig.test")
        self.assertIn("sessions retry " + session, self.host.ok("outbox", "resolve", record, "failed"))
        failed = self.the_session(lambda s: s["uncertain"] == 0)
        self.assertEqual(failed["state"], "failed")
        self.assertEqual(self.rig.maildir("again@rig.test"), [])
        self.host.ok("sessions", "retry", session)
        self.the_session(lambda s: s["state"] == "finished")
        (mail,) = self.rig.maildir("again@rig.test", wait=1)
        (after,) = self.host.json("outbox", "list")["outbox"]
        self.assertEqual((after["id"], after["state"]), (record, "sent"))  # the same record, so the same Message-ID
        self.assertIn(after["message_id"], mail["message_id"])

    def test_unknown_tool(self):
        self.fails(self.host.run("call", "email_sned", "{}"), "email_sned", "email_send")

    def test_wrong_argument(self):
        self.credential()
        self.fails(self.host.run("call", "email_fetch", '{"credential_id":"me","mailbox":"INBOX","uid":"seven"}'), "uid", "integer")
        self.fails(self.host.run("call", "email_fetch", '{"credential_id":"me","malbox":"INBOX","uid":7}'), "malbox", "mailbox")
        self.fails(self.host.run("call", "email_fetch", '{"credential_id":"me",'), "json")
        send = {"credential_id": "me", "to": "a@rig.test", "text": "t"}
        self.fails(self.host.run("call", "email_send", json.dumps({**send, "to": []})), "/to", "at least 1 items")
        self.fails(self.host.run("call", "email_send", json.dumps({**send, "attachments": [{"blob": "b-none"}]})), "attachments[0].blob", "b-none")
        del send["to"]
        self.fails(self.host.run("call", "email_broadcast", json.dumps({**send, "recipients": ["a@rig.test", "bad"]})), "recipients[1].to")
        self.fails(self.host.run("call", "email_mailboxes", '{"credential_id":"nobody"}'), "nobody", "credential")

    def test_mail_injection_is_refused_before_anything_is_sent(self):
        self.credential()
        for field, value in (("subject", "a\r\nBcc: x@rig.test"), ("to", ["a@rig.test\r\nRCPT TO:<x@rig.test>"]),
                             ("to", ["<a@rig.test>\0"]), ("cc", "a@rig.test\u2028x@rig.test"), ("to", ["Ann, a@rig.test"]),
                             ("to", [{"name": "A\r\nBcc: x@rig.test", "address": "a@rig.test"}])):
            arguments = {"credential_id": "me", "to": ["a@rig.test"], "subject": "s", "text": "t", field: value}
            self.fails(self.host.run("call", "email_send", json.dumps(arguments)), field)
        self.assertEqual(self.rig.maildir("x@rig.test"), [])

    def modules(self):
        """A folder with a copy of the template module, to be broken."""
        folder = os.path.join(self.host.dir, "modules")
        os.makedirs(folder, exist_ok=True)
        for name in ("template.so", "template.json"):
            shutil.copy(os.path.join(BUILD, "modules", name), folder)
        return folder

    def test_broken_manifest(self):
        folder = self.modules()
        path = os.path.join(folder, "template.json")
        with open(path) as f:
            text = f.read()
        with open(path, "w") as f:
            f.write(text.replace('"version"', '"verzion"', 1))
        self.fails(self.host.run("plugins", "trust", os.path.join(folder, "template.so")), "template.json", "verzion", "version")
        with open(path, "w") as f:
            f.write(text[: len(text) // 2])
        self.fails(self.host.run("plugins", "trust", os.path.join(folder, "template.so")), "template.json", "json")

    def test_untrusted_module(self):
        folder = self.modules()
        listing = self.host.run("tools", "list", "--modules", folder, "--no-development")
        self.assertIn("plugins trust", listing.stdout + listing.stderr)
        self.host.ok("plugins", "trust", os.path.join(folder, "template.so"))
        self.assertIn("weather_now", self.host.ok("tools", "list", "--modules", folder, "--no-development"))
        with open(os.path.join(folder, "template.so"), "ab") as f:
            f.write(b"\0")
        listing = self.host.run("call", "weather_now", '{"city": "Bern"}', "--modules", folder, "--no-development")
        self.fails(listing, "template.so", "plugins trust")

    def test_missing_library(self):
        module = os.path.join(BUILD, "tests", "abi", "modules", "missing_library.so")
        self.assertTrue(os.path.exists(module), module)
        self.fails(self.host.run("plugins", "trust", module), "missing_library.so", "libabsent-from-here.so.9")

    def test_a_second_run_says_who_runs(self):
        self.host.start()
        self.fails(self.host.run("run"), str(self.host.daemon.pid), "run")
        self.assertEqual(self.host.stop(), 0)

    def test_bad_blueprint(self):
        path = self.host.write("bad.yaml", "trigger:\n  source: email\n  credential_id: me\n  mach:\n    folder: INBOX\n")
        self.fails(self.host.run("blueprint", "check", path), "bad.yaml:4:3", "mach", "match")


if __name__ == "__main__":
    harness.main()
