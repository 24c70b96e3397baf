"""Watching under a virtual clock, on real servers: IDLE renewed at 25:00, polling without IDLE, keep-alive on the socket."""
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import harness
from harness import RigTest, wait_for

BLUEPRINT = """trigger:
  source: email
  credential_id: me
  match:
    folder: INBOX
  start_from: all
  action:
    agent_id: noted
    session_template: per-message
    inputs:
      subject: "{{ email.subject }}"
"""
AGENT = """agent_id: noted
type: script
steps:
  - finish:
      output_text: "noted: {{ inputs.subject }}"
"""


class Clock(RigTest):
    def watch(self, **changes):
        self.user = f"{self._testMethodName}@rig.test"
        self.host.add_credential(self.rig.record("me", self.user, **changes), self.rig.password)
        self.host.ok("blueprint", "add", self.host.write("noted.yaml", BLUEPRINT))
        agents = os.path.join(self.host.dir, "agents")
        os.makedirs(agents)
        self.host.write("agents/noted.yaml", AGENT)
        self.trace = os.path.join(self.host.dir, "trace")
        self.host.start("--virtual-clock", "--trace", self.trace, "--agents", agents)

    def wire(self):
        with open(self.trace, errors="replace") as f:
            return f.read()

    def sent(self, word):
        return len(re.findall(r"C: .*\b" + word + r"\b", self.wire()))

    def advance(self, duration):
        self.host.ok("clock", "advance", duration)

    def sessions(self, n):
        def there():
            if len(self.host.json("sessions", "list")["sessions"]) >= n:
                return True
            self.advance("1s")  # a server may say EXISTS before its search finds the message: the watcher looks again by this clock
            return False
        wait_for(f"{n} sessions", there, 15)
        self.assertEqual(len(self.host.json("sessions", "list")["sessions"]), n)

    def test_idle_is_renewed_at_25_minutes(self):
        self.watch()
        wait_for("the first IDLE", lambda: self.sent("IDLE") == 1, 10)
        wait_for("the server's +", lambda: re.search(r"S: \+", self.wire()), 5)
        self.advance("24m59s")
        self.host.ok("sessions", "list")  # the daemon turned around once more
        self.assertEqual((self.sent("DONE"), self.sent("IDLE")), (0, 1))
        self.advance("1s")
        wait_for("DONE and a new IDLE", lambda: (self.sent("DONE"), self.sent("IDLE")) == (1, 2), 10)
        self.rig.deliver(self.user)
        self.sessions(1)  # the renewed IDLE is alive
        self.assertEqual(self.host.stop(), 0)

    def test_what_is_measured_is_told_to_people_programs_and_prometheus(self):
        r = self.host.run("metrics")
        self.assertEqual((r.returncode, r.stdout), (1, ""))
        self.assertIn("no host runs", r.stderr)
        self.watch()
        def series(name):
            return next(m for m in self.host.json("metrics")["metrics"] if m["name"] == name)["series"]
        who = {"credential_id": "me", "mailbox": "INBOX"}
        wait_for("the watcher idles", lambda: series("email_watcher_alive") == [{"labels": {**who, "state": "idle"}, "value": 1}], 10)
        self.advance("30s")
        self.assertEqual(series("email_watcher_silent_seconds"), [{"labels": who, "value": 30}])
        text = self.host.call("email_watch", {"credential_id": "me"})["watchers"][0]
        self.assertEqual((text["state"], text["silent_s"], text["reconnects"], text["parked"]), ("idle", 30, 0, 0))
        self.rig.deliver(self.user)
        self.sessions(1)
        self.assertEqual(series("email_watcher_handed_over_total"), [{"labels": who, "value": 1}])
        self.assertEqual([s["count"] for s in series("email_hand_over_seconds")], [1])
        lines = self.host.ok("metrics", "--prometheus").splitlines()
        self.assertIn("# TYPE email_watcher_handed_over_total counter", lines)
        self.assertIn('email_watcher_handed_over_total{credential_id="me",mailbox="INBOX"} 1', lines)
        self.assertIn('email_hand_over_seconds_bucket{le="+Inf"} 1', lines)
        self.assertIn("    credential_id=me  mailbox=INBOX  state=idle  1", self.host.ok("metrics").splitlines())

    def test_polling_where_idle_is_missing(self):
        self.watch(imap={"host": self.rig.info["no_idle_host"]})
        def state():
            watchers = self.host.call("email_watch", {"credential_id": "me", "action": "status"})["watchers"]
            return watchers and watchers[0]["state"] == "polling"
        wait_for("the watcher polls", state, 10)
        self.rig.deliver(self.user, wait=10)
        self.assertEqual(self.host.json("sessions", "list")["sessions"], [])
        self.advance("60s")
        self.sessions(1)
        self.assertEqual(self.sent("IDLE"), 0)

    def test_keep_alive_is_on_the_socket(self):
        self.watch()
        wait_for("the first IDLE", lambda: self.sent("IDLE") == 1, 10)
        port = self.rig.info["imap_tls_port"]
        out = subprocess.run(["ss", "-tnop", "state", "established", f"( dport = :{port} )"], capture_output=True, text=True).stdout
        own = [l for l in out.splitlines() if f"pid={self.host.daemon.pid}," in l]
        self.assertTrue(own, out)
        for line in own:
            self.assertIn("timer:(keepalive", line)


class Modes(RigTest):
    def test_each_port_and_tls_mode(self):
        i = self.rig.info
        for mode, imap, smtp in (("implicit", "imap_tls_port", "smtp_tls_port"), ("starttls", "imap_plain_port", "smtp_submission_port")):
            self.host.add_credential(self.rig.record(mode, "modes@rig.test", imap={"port": i[imap], "tls": mode},
                                                     smtp={"port": i[smtp], "tls": mode}), self.rig.password)
            trace = os.path.join(self.host.dir, mode)
            sent = self.host.call("email_send", {"credential_id": mode, "to": [f"{mode}@rig.test"], "subject": mode, "text": "hello"})
            self.assertEqual([r["accepted"] for r in sent["recipients"]], [True])
            self.assertEqual(self.rig.maildir(f"{mode}@rig.test", wait=1)[0]["subject"], mode)
            self.host.ok("call", "email_mailboxes", f'{{"credential_id":"{mode}"}}', "--trace", trace)
            with open(trace, errors="replace") as f:
                wire = f.read()
            self.assertEqual("STARTTLS" in wire.split("AUTHENTICATE")[0].replace("CAPABILITY", ""), mode == "starttls", wire[:2000])
            self.assertNotIn(self.rig.password, wire)


if __name__ == "__main__":
    harness.main()
