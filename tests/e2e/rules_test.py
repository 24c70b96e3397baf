#!/usr/bin/env python3
"""host-stub rules check and explain, and email_rules_explain: a file, and a message that lies in a mailbox."""
import json
import os
import sys
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import Host, main, wait_for
from imap_script import ImapScript, message

RULES = """rules:
  - name: lists
    match: {list_id_regex: "."}
    do: {ignore: true}
  - name: seen
    match: {flags: seen, body_regex: "price"}
    do: {flag: flagged}
    continue: true
  - name: quotes
    match: {subject_regex: quote}
    do: {start: quotes}
"""
BLUEPRINT = """trigger:
  source: email
  credential_id: me
  match: {from_regex: "@supplier\\\\.test$"}
  action: {agent_id: a}
"""


class Rules(unittest.TestCase):
    def setUp(self):
        self.script = ImapScript()
        self.addCleanup(self.script.close)
        self.host = Host()
        self.addCleanup(self.host.close)
        self.host.add_credential(self.script.record(), "planted-password")
        self.host.ok("blueprint", "add", self.file("quotes.yaml", BLUEPRINT))
        self.rules = self.file("rules.yaml", RULES)

    def file(self, name, text):
        path = os.path.join(self.host.home, name)
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        return path

    def explain(self, *args):
        return json.loads(self.host.ok("rules", "explain", "--credential", "me", *args, "--json"))["structuredContent"]

    def test_check_says_where_and_what(self):
        self.assertIn("ok; 3 rules for email", self.host.ok("rules", "check", self.rules))
        bad = self.file("bad.yaml", RULES.replace("subject_regex: quote", "subject_regx: quote").replace("start: quotes", "start: qotes"))
        r = self.host.run("rules", "check", bad)
        self.assertNotEqual(r.returncode, 0)
        for words in ("bad.yaml:10:13: ", 'did you mean "subject_regex"?', "bad.yaml:11:17: ", 'did you mean "quotes"?'):
            self.assertIn(words, r.stderr)

    def test_a_file_is_explained(self):
        mail = self.file("m.eml", "From: Ada <ada@supplier.test>\r\nSubject: hello\r\nList-Id: <x.y>\r\n\r\nprice 7\r\n")
        told = self.explain(mail)
        self.assertEqual([h["name"] for h in told["hits"]], ["lists"])
        self.assertEqual((told["passed_over"], told["not_asked"]), ([], 2))
        self.assertEqual(told["blueprints"], [{"id": "quotes", "starts": False, "why": 'rule "lists": ignore'}])
        with open(mail, encoding="utf-8") as f:
            other = self.file("n.eml", f.read().replace("List-Id", "X-List"))
        text = self.host.ok("rules", "explain", other, "--credential", "me", "--rules", self.rules)
        for line in ("no rule matches", '"lists" does not: list_id_regex', '"quotes" does not: subject_regex', "blueprint quotes starts: its match",
                     "no time of arrival"):
            self.assertIn(line, text)

    def test_a_stored_message_is_explained_and_left_alone(self):
        inbox = self.script.boxes["INBOX"]
        uid = inbox.add(message("A quote", 1, sender="b@x.test", text="the price is 7"), ["\\Seen"])
        other = inbox.add(message("A letter", 2, sender="c@supplier.test", text="no"), [])
        told = self.explain("--uid", str(uid))
        self.assertEqual([(h["index"], h["name"], h["do"]) for h in told["hits"]],
                         [(1, "seen", {"flag": "flagged"}), (2, "quotes", {"start": "quotes"})])
        self.assertEqual(told["blueprints"], [{"id": "quotes", "starts": True, "why": 'rule "quotes" starts it'}])
        told = self.explain("--uid", str(other))
        self.assertEqual([(p["name"], p["failed"]) for p in told["passed_over"]],
                         [("lists", "list_id_regex"), ("seen", "flags"), ("quotes", "subject_regex")])
        self.assertEqual(told["blueprints"], [{"id": "quotes", "starts": True, "why": "its match"}])
        self.assertEqual([sorted(m.flags) for m in inbox.mails], [["\\Seen"], []])
        gone = self.host.run("rules", "explain", "--credential", "me", "--uid", "77")
        self.assertNotEqual(gone.returncode, 0)
        self.assertIn("77", gone.stderr)

    def test_without_a_watcher_nothing_is_in_force(self):
        r = self.host.run("call", "email_rules_explain", json.dumps({"credential_id": "me", "raw": "Subject: x\r\n\r\n"}))
        self.assertNotEqual(r.returncode, 0)
        self.assertIn("no watcher of this mailbox runs here", r.stderr)

    def test_run_reads_the_file_again_and_keeps_the_old_one_when_it_is_broken(self):
        def hits():
            r = self.host.run("call", "email_rules_explain", json.dumps({"credential_id": "me", "raw": "List-Id: <x>\r\n\r\n"}), "--json")
            return [h["name"] for h in json.loads(r.stdout)["structuredContent"].get("hits", [])]

        rule = "rules:\n  - {{name: {}, match: {{list_id_regex: x}}, do: {{ignore: true}}}}\n"
        self.replace(rule.format("one"))
        self.host.start()
        wait_for("the rules are in force", lambda: hits() == ["one"], 30)
        self.replace(rule.format("two").replace("match", "mach"))
        wait_for("the log tells", lambda: "the old rules stay in force" in self.host.log_text(), 30)
        self.assertEqual(hits(), ["one"])
        # What no schema can say, the module does: it counts as broken, too, also over a restart.
        self.replace(rule.format("deep").replace("x}", "x, " + 8 * "not: {" + "flags: seen" + 9 * "}"))
        wait_for("the log tells", lambda: "nested deeper than 8 levels" in self.host.log_text(), 30)
        self.assertEqual(hits(), ["one"])
        self.host.stop()
        self.host.start()
        wait_for("the old rules are in force", lambda: hits() == ["one"], 30)
        self.replace(rule.format("three"))
        wait_for("the new rules are in force", lambda: hits() == ["three"], 30)

    def replace(self, text):
        os.replace(self.file("new.yaml", text), os.path.join(self.host.home, "rules.yaml"))


if __name__ == "__main__":
    main()
