"""The fields of a blueprint on real servers, under a virtual clock: start_from, session_template and session_idle, debounce, conflict, max_parallel,
max_sessions_per_hour, and an edit while it runs."""
import datetime
import imaplib
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import harness
from harness import RigTest, wait_for

BLUEPRINT = """trigger:
  source: email
  credential_id: me
  %s
  action:
    agent_id: %s
    session_template: %s
    %s
    inputs: {subject: "{{ email.subject }}"}
"""
# asks: its account's server is not there, so each turn waits half a minute for its next attempt.
AGENTS = {"noted": "steps: [{finish: {output_text: \"{{ inputs.subject }}\"}}]",
          "waits": "grants: {gone: [read]}\nsteps: [{call: email_mailboxes, arguments: {credential_id: gone}}, {finish: {output_text: x}}]"}


class Fields(RigTest):
    def setUp(self):
        super().setUp()
        self.user = f"{self._testMethodName.replace('_', '-')}@rig.test"
        self.host.add_credential(self.rig.record("me", self.user), self.rig.password)
        self.agents = os.path.join(self.host.dir, "agents")
        os.makedirs(self.agents)
        for name, text in AGENTS.items():
            self.host.write(f"agents/{name}.yaml", f"agent_id: {name}\ntype: script\n{text}\n")

    def add(self, name, fields="start_from: all", template="per-message", agent="noted", action="{}"):
        text = BLUEPRINT % (fields, agent, template, action)
        self.host.ok("blueprint", "add", self.host.write(name + ".yaml", text.replace("    {}\n", "")))

    def start(self):
        self.host.start("--virtual-clock", "--agents", self.agents)
        self.watches()

    def watches(self):
        def state():
            watchers = self.host.call("email_watch", {"credential_id": "me", "action": "status"})["watchers"]
            return watchers and watchers[0]["state"] in ("idle", "polling")
        wait_for("the watcher waits", state, 20)

    def append(self, subject, when, *flags):
        session = self.rig.imap(self.user)
        text = f"From: a@x.example\r\nTo: {self.user}\r\nSubject: {subject}\r\nMessage-ID: <{subject}@x.example>\r\n\r\nx\r\n"
        session.append("INBOX", " ".join(flags), imaplib.Time2Internaldate(when), text.encode())
        session.logout()

    def deliver(self, subject, sender="anna@x.example", refers_to=None):
        header = {"header": f"References: <{refers_to}@x.example>"} if refers_to else {}
        self.rig.deliver(self.user, subject=subject, sender=sender, message_id=f"{subject}@x.example", **header)

    def advance(self, duration):
        self.host.ok("clock", "advance", duration)

    def sessions(self, blueprint):
        """Of each of its sessions the subjects of its turns, the oldest session first."""
        found = [s for s in self.host.json("sessions", "list", "--limit", "1000")["sessions"] if s["blueprint"] == blueprint]
        return [[t["inputs"]["subject"] for t in self.host.json("sessions", "show", s["id"])["turns"]] for s in reversed(found)]

    def finished(self):
        """A session is idle from the end of its last turn on: no time passes before that."""
        wait_for("all sessions are finished", lambda: all(s["state"] == "finished" for s in self.host.json("sessions", "list")["sessions"]), 30)

    def events(self, *states):
        marks = ",".join("?" * len(states))
        return self.host.rows(f"SELECT COUNT(*) FROM events WHERE state IN ({marks})", states)[0][0]

    def wait_events(self, n, *states):
        def there():
            if self.events(*states) >= n:
                return True
            self.advance("1s")  # a server may say EXISTS before its search finds the message: the watcher looks again by this clock
            return False
        wait_for(f"{n} events {states}", there, 30)
        self.assertEqual(self.events(*states), n)

    def test_start_from(self):
        day = lambda year: datetime.datetime(year, 6, 1, tzinfo=datetime.timezone.utc)
        for subject, year, flags in (("old-seen", 2020, ["\\Seen"]), ("old", 2020, []), ("seen", 2025, ["\\Seen"]), ("new", 2025, [])):
            self.append(subject, day(year), *flags)
        for name, start in (("now", "now"), ("unseen", "unseen"), ("all", "all"), ("date", "2024-01-31")):
            self.add(name, f"start_from: {start}")
        self.start()
        self.wait_events(8, "handed")
        self.deliver("later")
        self.wait_events(12, "handed")
        found = {name: sorted(s for turns in self.sessions(name) for s in turns) for name in ("now", "unseen", "all", "date")}
        self.assertEqual(found, {"now": ["later"], "unseen": ["later", "new", "old"], "all": ["later", "new", "old", "old-seen", "seen"],
                                 "date": ["later", "new", "seen"]})
        # An edit keeps the cursor, another start as well.
        self.add("all", "start_from: all\n  max_parallel: 2")
        self.add("now", "start_from: all")
        self.watches()
        self.deliver("after the edit")
        self.wait_events(16, "handed")
        self.assertEqual(self.host.stop(), 0)
        self.start()
        self.deliver("after the start")
        self.wait_events(20, "handed")
        self.assertEqual(len(self.sessions("all")), 7)
        self.assertEqual(len(self.sessions("now")), 3)

    def test_session_templates_and_idle(self):
        for template in ("per-message", "per-thread", "per-sender", "shared"):
            self.add(template, template=template, action="session_idle: 2h")
        self.start()
        n = 0
        for subject, sender, refers_to in (("one", "anna@x.example", None), ("two", "Anna@X.example", None), ("three", "bob@x.example", "one")):
            self.deliver(subject, sender, refers_to)
            n += 4
            self.wait_events(n, "handed")
        by = {t: self.sessions(t) for t in ("per-message", "per-thread", "per-sender", "shared")}
        self.assertEqual(by, {"per-message": [["one"], ["two"], ["three"]], "per-thread": [["one", "three"], ["two"]],
                              "per-sender": [["one", "two"], ["three"]], "shared": [["one", "two", "three"]]})
        self.finished()
        self.advance("1h30m")
        self.deliver("four")
        self.wait_events(n + 4, "handed")
        self.finished()
        self.advance("2h1m")
        self.deliver("five")
        self.wait_events(n + 8, "handed")
        self.assertEqual(self.sessions("per-sender"), [["one", "two", "four"], ["three"], ["five"]])
        self.assertEqual(self.sessions("shared"), [["one", "two", "three", "four"], ["five"]])

    def test_debounce_and_sessions_per_hour(self):
        self.add("merged", "start_from: all\n  debounce: 30m", "per-sender")
        self.add("few", "start_from: all\n  max_sessions_per_hour: 2")
        self.start()
        for n, subject in enumerate(("one", "two", "three"), start=1):
            self.deliver(subject)
            self.wait_events(2 * n, "handed", "pending")
        self.assertEqual(self.sessions("merged"), [])
        self.assertEqual(self.sessions("few"), [["one"], ["two"]])
        self.advance("30m")
        self.wait_events(2, "merged")
        self.assertEqual(self.sessions("merged"), [["three"]])
        self.advance("10m")
        self.assertEqual(len(self.sessions("few")), 2)
        self.assertIn("2 sessions were opened within the hour", self.log())
        self.advance("20m")
        self.wait_events(4, "handed")
        self.assertEqual(self.sessions("few"), [["one"], ["two"], ["three"]])

    def test_max_parallel(self):
        folder = os.path.join(self.host.dir, "at-work")
        os.makedirs(folder)
        agent = os.path.join(os.path.dirname(os.path.abspath(__file__)), "agents", "agent.py")
        self.host.write("agents/slow.yaml", f"agent_id: slow\ntype: command\ncommand: [{sys.executable}, {agent}, waits_for_leave, {folder}]\n")
        self.add("two", "start_from: all\n  max_parallel: 2", agent="slow")
        self.start()
        for n in range(5):
            self.deliver(f"m{n}")
        self.wait_events(5, "handed")
        at_work = lambda: sorted(name for name in os.listdir(folder) if name.endswith(".works"))
        wait_for("two are at work", lambda: len(at_work()) == 2, 20)
        states = lambda: sorted(s["state"] for s in self.host.json("sessions", "list")["sessions"])
        self.assertEqual(states(), ["queued"] * 3 + ["running"] * 2)
        two = at_work()
        self.deliver("one more")  # goes the whole way while they work, and waits in the queue
        self.wait_events(6, "handed")
        self.assertEqual((at_work(), states()), (two, ["queued"] * 4 + ["running"] * 2))
        self.host.write("at-work/leave", "")
        wait_for("all have worked", lambda: states() == ["finished"] * 6, 30)
        ends = [self.host.json("sessions", "show", s["id"])["ledger"][-1]["result"]["output_text"] for s in self.host.json("sessions", "list")["sessions"]]
        self.assertLessEqual(max(map(int, ends)), 2)

    def log(self):
        return "".join(f.decode(errors="replace") for p, f in self.host.files().items() if p.endswith(".log"))

    def test_conflict(self):
        self.host.add_credential(self.rig.record("gone", "gone@rig.test", imap={"port": 1}), self.rig.password)
        for conflict in ("queue", "skip", "parallel"):
            self.add(conflict, f"start_from: all\n  conflict: {conflict}", "shared", "waits")
        self.start()
        self.deliver("one")
        self.wait_events(3, "handed")
        wait_for("their sessions wait", lambda: [s["state"] for s in self.host.json("sessions", "list")["sessions"]] == ["waiting"] * 3, 20)
        self.deliver("two")
        self.wait_events(5, "handed")
        self.wait_events(1, "skipped")
        self.assertEqual({c: self.sessions(c) for c in ("queue", "skip", "parallel")},
                         {"queue": [["one", "two"]], "skip": [["one"]], "parallel": [["one"], ["two"]]})


if __name__ == "__main__":
    harness.main()
