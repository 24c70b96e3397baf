#!/usr/bin/env python3
"""What rules do with a message itself, on real servers: each action of the rules file, kill -9 between the decision and the action."""
import email
import email.policy
import json
import os
import re
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import PATIENCE, RigTest, main, wait_for

BLUEPRINT = """trigger:
  source: email
  credential_id: me
  match: {folder: INBOX, from_regex: "."}
  start_from: all
  action: {agent_id: reads, inputs: {subject: "{{ email.subject }}"}}
"""
# It reads the message where the event says that it lies.
AGENT = """agent_id: reads
type: script
grants: {$trigger: [read]}
steps:
  - call: email_fetch
    arguments: {mailbox: "{{ trigger.email.mailbox }}", uid: "{{ trigger.email.uid }}", uid_validity: "{{ trigger.email.uid_validity }}"}
    save_as: mail
  - finish: {output_text: "{{ steps.mail.message.mailbox }} {{ steps.mail.message.subject }}"}
"""


class Actions(RigTest):
    def setUp(self):
        super().setUp()
        self.user = f"{self._testMethodName.replace('_', '-')}@rig.test"
        self.host.add_credential(self.rig.record("me", self.user), self.rig.password)
        self.host.ok("blueprint", "add", self.host.write("reads.yaml", BLUEPRINT))
        self.agents = os.path.join(self.host.dir, "agents")
        os.makedirs(self.agents)
        self.host.write("agents/reads.yaml", AGENT)

    def rules(self, *rules):
        with open(os.path.join(self.host.home, "rules.yaml"), "w") as f:
            f.write("rules:\n" + "".join(f"  - {rule}\n" for rule in rules))

    def start(self, *args, fault=None):
        self.host.start("--agents", self.agents, *args, env={"AOH_FAULTS": fault} if fault else None, wait=not fault)

    def deliver(self, *subjects, sender="anna@x.example", **more):
        """Before the host runs, which may take them away at once: one after the other; else Postfix may turn them round."""
        if not self.host.daemon:
            more["wait"] = 60 * PATIENCE
        for subject in subjects:
            self.rig.deliver(self.user, subject=subject, sender=sender, **more)

    def lie(self, mailbox):
        """{subject: flags} of a mailbox as another mail program sees it; the subjects that stand there twice are told, too."""
        session = self.rig.imap(self.user)
        found, twice = {}, []
        try:
            if session.select(f'"{mailbox}"', readonly=True)[0] != "OK":
                return None
            rows = session.uid("FETCH", "1:*", "(FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)])")[1]
            for row in rows:
                if isinstance(row, tuple):
                    subject = row[1].decode().split(":", 1)[1].strip()
                    twice += [subject] if subject in found else []
                    found[subject] = set(re.search(r"FLAGS \(([^)]*)\)", row[0].decode())[1].split()) - {"\\Recent"}
        finally:
            session.logout()
        self.assertEqual(twice, [])
        return found

    def make(self, *mailboxes):
        session = self.rig.imap(self.user)
        for name in mailboxes:
            session.create(name)
        session.logout()

    def until(self, what, n, query):
        wait_for(what, lambda: self.host.rows(f"SELECT COUNT(*) FROM {query}")[0][0] >= n, 60)
        self.assertEqual(self.host.rows(f"SELECT COUNT(*) FROM {query}")[0][0], n)

    def state(self):
        """The watcher's; where it waits for better times, under the virtual clock, they come."""
        state = self.host.call("email_watch", {"credential_id": "me", "action": "status"})["watchers"][0]["state"]
        if state == "backoff":
            self.host.ok("clock", "advance", "1m")
        return state

    def finished(self):
        """What the sessions ended with."""
        return sorted(t for (t,) in self.host.rows("SELECT json_extract(result, '$.output_text') FROM ledger WHERE kind='finish' AND status='done'"))

    def parked(self, kind):
        return [p for p in self.host.json("parked", "list")["parked"] if p["kind"] == kind]

    def test_flags_labels_and_moves(self):
        self.make("Archive")
        self.rules('{name: filed, match: {subject_regex: offer}, do: {start: reads, flag: [flagged, $Offer], label: Later, move: Archive}}',
                   '{name: seen, match: {subject_regex: news}, do: {flag: seen, ignore: true}}')
        self.deliver("an offer", "the news", "a letter")
        self.start()
        self.until("the sessions are finished", 2, "sessions WHERE state='finished'")
        self.until("the actions are done", 2, "events WHERE blueprint='' AND state='done'")
        # Handed over after the move, with the new place: the agent has read it there.
        self.assertEqual(self.finished(), ["Archive an offer", "INBOX a letter"])
        self.assertEqual(self.lie("Archive"), {"an offer": {"\\Flagged", "$Offer", "Later"}})
        self.assertEqual(self.lie("INBOX"), {"the news": {"\\Seen"}, "a letter": set()})
        self.assertEqual(self.host.rows("SELECT why FROM decisions WHERE decision='action' ORDER BY why"),
                         [('rule "filed": flag, label, move',), ('rule "seen": flag',)])
        self.assertNotIn("the old rules stay in force", self.host.log_text())

    def test_quarantine(self):
        self.rules('{name: evil, match: {subject_regex: invoice}, do: {quarantine: true}}', '{name: odd, match: {subject_regex: prize}, do: {quarantine: Odd}}')
        self.deliver("your invoice", "a prize", "a letter")
        self.start()
        self.until("the sessions are finished", 1, "sessions WHERE state='finished'")
        self.until("the actions are done", 2, "events WHERE blueprint='' AND state='done'")
        self.assertEqual((self.finished(), set(self.lie("INBOX")), set(self.lie("Quarantine")), set(self.lie("Odd"))),
                         (["INBOX a letter"], {"a letter"}, {"your invoice"}, {"a prize"}))
        self.assertEqual(self.host.rows("SELECT why FROM decisions WHERE decision='ignored' ORDER BY id"),
                         [('rule "evil": quarantine',), ('rule "odd": quarantine',)])

    def test_a_kill_between_decision_and_action_and_record(self):
        self.rules('{name: filed, match: {subject_regex: offer}, do: {start: reads, flag: flagged, move: Archive}}')
        self.make("Archive")
        self.deliver("offer 0")
        self.start()
        self.until("the first is handed over", 1, "sessions WHERE state='finished'")
        self.host.stop()
        points = ("store.committed~emit@1", "rule.act@1", "rule.acted@1", "store.commit~rule.done@1", "store.committed~rule.done@1")
        for n, point in enumerate(points, 1):
            self.start(fault=point + "=kill")
            self.deliver(f"offer {n}")
            self.assertEqual(self.host.daemon.wait(timeout=60 * PATIENCE), -9, point)
            self.host.daemon = None
            self.start()
            self.until("it is handed over", n + 1, "sessions WHERE state IN ('finished','failed')")
            self.until("the action is done", n + 1, "events WHERE blueprint='' AND state='done'")
            self.host.stop()
        # Each once, in the one place, where its agent has found it.
        self.assertEqual(self.lie("Archive"), {f"offer {n}": {"\\Flagged"} for n in range(len(points) + 1)})
        self.assertEqual(self.lie("INBOX"), {})
        self.assertEqual(self.host.rows("SELECT COUNT(*), COUNT(DISTINCT event_id) FROM inputs"), [(len(points) + 1, len(points) + 1)])
        self.assertEqual(self.finished(), [f"Archive offer {n}" for n in range(len(points) + 1)])

    def test_an_action_that_fails_is_parked_and_tried_again_by_a_person(self):
        self.rules('{name: filed, match: {subject_regex: offer}, do: {start: reads, move: Missing}}')
        self.deliver("an offer", "offer two")
        self.start()
        self.until("both are handed over", 2, "sessions WHERE state='finished'")
        self.until("the actions are parked", 2, "events WHERE blueprint='' AND state='parked'")
        self.assertEqual(self.finished(), ["INBOX an offer", "INBOX offer two"])
        one, two = self.parked("action")
        self.assertEqual(one["rule"], 'rule "filed": move')
        self.assertIn("Missing", one["error"])
        self.make("Missing")
        self.host.ok("parked", "retry", str(one["number"]))
        self.host.ok("parked", "drop", str(two["number"]))
        self.until("the one is done", 1, "events WHERE blueprint='' AND state='done'")
        self.assertEqual((set(self.lie("Missing")), set(self.lie("INBOX"))), ({"an offer"}, {"offer two"}))
        self.assertEqual(self.parked("action"), [])

    def test_a_sender_beyond_the_limit(self):
        self.rules('{name: few, match: {from_regex: "@x"}, do: {rate_limit: {messages: 2, per: 1h}}, continue: true}',
                   '{name: one, match: {subject_regex: free}, do: {start: reads, flag: flagged}}')
        self.deliver("one", "two", "three")
        self.start("--virtual-clock")
        self.until("two are handed over", 2, "sessions WHERE state='finished'")
        self.until("the third is not", 1, "decisions WHERE decision='rate_limited'")
        self.assertEqual(self.host.rows("SELECT why FROM decisions WHERE decision='rate_limited'"),
                         [('rule "few": more than 2 within 3600 s of anna@x.example',)])
        self.host.stop()
        self.start("--virtual-clock")
        self.deliver("free four")  # the count has outlived the host; another rule starts nothing either, but changes the message
        self.until("it is not handed over", 2, "decisions WHERE decision='rate_limited'")
        self.until("it is changed", 1, "events WHERE blueprint='' AND state='done'")
        self.deliver("five", sender="Bert <bert@x.example>")
        self.until("another's is", 3, "sessions WHERE state='finished'")
        wait_for("the watcher is idle", lambda: self.state() == "idle", 60)
        self.host.ok("clock", "advance", "61m")
        self.deliver("six", sender="ANNA@x.example")  # an hour without a word may have cost the connection
        wait_for("an hour later so is his", lambda: self.state() and len(self.finished()) == 4, 60)
        self.assertEqual(self.finished(), [f"INBOX {s}" for s in ("five", "one", "six", "two")])
        self.assertEqual(self.lie("INBOX")["free four"], {"\\Flagged"})

    def test_a_person_lets_it_go_or_not(self):
        self.rules('{name: big, match: {subject_regex: order}, do: {approval: true}}')
        self.deliver("order one", "order two", "a letter")
        self.start()
        self.until("they wait", 2, "events WHERE state='parked'")
        self.until("the other does not", 1, "sessions WHERE state='finished'")
        self.host.stop()
        self.start()
        one, two = self.parked("event")
        self.assertEqual((one["blueprint"], one["error"]), ("reads", 'approval: rule "big"'))
        self.assertIn("0 released", self.host.ok("parked", "retry", "all"))
        self.host.ok("parked", "retry", str(one["number"]))
        self.host.ok("parked", "drop", str(two["number"]))
        self.until("one is handed over", 2, "sessions WHERE state='finished'")
        self.assertEqual(self.finished(), ["INBOX a letter", "INBOX order one"])
        self.assertEqual(self.host.rows("SELECT COUNT(*) FROM events WHERE state='dropped'"), [(1,)])

    def test_an_automatic_answer(self):
        os.makedirs(os.path.join(self.host.dir, "templates", "thanks"))
        self.host.write("templates/thanks/subject.txt", "Re: {{ email.subject }}\n")
        self.host.write("templates/thanks/body.txt", "We have it, {{ email.from[0].name }}. {{ hours }}\n")
        os.makedirs(os.path.join(self.host.home, "config"), exist_ok=True)
        with open(os.path.join(self.host.home, "config", "email.json"), "w") as f:
            json.dump({"templates_root": os.path.join(self.host.dir, "templates")}, f)
        self.make("Done")
        self.rules('{name: thanks, match: {subject_regex: order}, do: {reply: {template: thanks, data: {hours: Soon.}}, move: Done, ignore: true}}')
        anna = f"anna.{self._testMethodName}@supplier.example"
        for n, header in enumerate(("Auto-Submitted: auto-replied", "Precedence: bulk", "List-Id: <x.y>", "X-Auto-Response-Suppress: All")):
            self.deliver(f"order no {n}", sender=anna, header=header)
        self.deliver("order 0", sender=f"Anna <{anna}>")
        # Killed before and after the call, and in the middle of it: one answer.
        for point in ("rule.act~#reply@1", "rule.acted~#reply@1", "store.commit~rule.done@1"):
            self.start(fault=point + "=kill")
            self.assertEqual(self.host.daemon.wait(timeout=60 * PATIENCE), -9, point)
            self.host.daemon = None
        self.start()
        self.until("all are moved", 5, "events WHERE dedupe_key LIKE '%#change' AND state='done'")
        [got] = self.rig.maildir(anna, wait=1)
        with open(got["file"], "rb") as f:
            answer = email.message_from_binary_file(f, policy=email.policy.default)
        self.assertEqual((answer["Subject"], answer["Auto-Submitted"], answer.get_content().strip()),
                         ("Re: order 0", "auto-replied", "We have it, Anna. Soon."))
        self.assertTrue(answer["In-Reply-To"])
        refused = self.host.rows("SELECT why FROM decisions WHERE key LIKE '%#reply' AND decision='ignored' ORDER BY id")
        self.assertEqual([re.search(r"\((.*)\)$", why)[1] for (why,) in refused], ["Auto-Submitted", "Precedence", "List-*", "X-Auto-Response-Suppress"])
        # Three a day to one address.
        self.deliver("order 1", "order 2", "order 3", sender=anna)
        self.until("the limit is told", 1, "decisions WHERE decision='rate_limited'")
        self.until("all are moved", 8, "events WHERE dedupe_key LIKE '%#change' AND state='done'")
        self.assertEqual(len(self.rig.maildir(anna, wait=3)), 3)
        self.assertEqual((len(self.lie("Done")), self.lie("INBOX")), (8, {}))
        self.assertEqual(self.parked("action"), [])


if __name__ == "__main__":
    main()
