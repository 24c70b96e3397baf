#!/usr/bin/env python3
"""Broadcasts: one message each, their own data, once, over pauses, refusals, restarts and kill -9."""
import collections
import email
import email.policy
import json
import os
import random
import sys
import threading
import time
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import Host, main, wait_for
from sink import Sink


class Broadcast(unittest.TestCase):
    def setUp(self):
        self.sink = Sink()
        self.addCleanup(self.sink.close)
        self.host = Host()
        self.addCleanup(self.host.close)
        self.host.add_credential(self.sink.record(), "planted-password")

    def start(self, n=12, **more):
        arguments = {"credential_id": "me", "subject": "News for {{ recipient.name }}", "text": "Dear {{ recipient.name }}, you have {{ points }} points.",
                     "html": "<p>Dear {{ recipient.name }} &amp; co, {{ points }}</p>", "unsubscribe_url": "https://news.example/u?t={{ token|urlencode }}",
                     "recipients": [{"to": f"R{i} <r{i}@there.example>", "data": {"points": i, "token": f"t&{i}"}} for i in range(n)], **more}
        return self.host.call("email_broadcast", arguments)

    def action(self, name, broadcast, **more):
        return self.host.call("email_broadcast", {"credential_id": "me", "action": name, "broadcast_id": broadcast, **more})

    def done(self, broadcast, seconds=40):
        wait_for("the broadcast is done", lambda: self.action("status", broadcast)["state"] == "done", seconds)

    def numbers(self):
        return collections.Counter(int(m.recipients[0][1:].split("@")[0]) for m in self.sink.messages)

    def test_each_gets_their_own_and_can_leave(self):
        self.host.start()
        answer = self.start()
        self.assertEqual((answer["state"], answer["recipients"]), ("running", 12))
        self.done(answer["broadcast_id"])
        self.assertEqual(self.numbers(), collections.Counter(range(12)))
        for message in self.sink.messages:
            m = email.message_from_bytes(message.data, policy=email.policy.default)
            n = int(message.recipients[0][1:].split("@")[0])
            self.assertEqual((str(m["Subject"]), str(m["To"])), (f"News for R{n}", f"R{n} <r{n}@there.example>"))
            self.assertEqual(len(message.recipients), 1)
            self.assertIn(f"you have {n} points", m.get_body(("plain",)).get_content())
            self.assertEqual("".join(str(m["List-Unsubscribe"]).split()), f"<https://news.example/u?t=t%26{n}>")
            self.assertEqual(str(m["List-Unsubscribe-Post"]), "List-Unsubscribe=One-Click")
            self.assertEqual(str(m["Precedence"]), "bulk")
        self.assertEqual(self.action("report", answer["broadcast_id"])["counts"], {"sent": 12})

    def test_the_report_tells_each_fate(self):
        self.sink.on_rcpt = lambda s, r: {"r3@": "550 5.1.1 nobody of that name", "r5@": "450 4.2.2 full"}.get(r[:3], "250 2.1.5 ok")
        self.sink.on_end = lambda m: None if m.recipients[0].startswith("r7@") else "250 2.0.0 queued"
        self.host.start("--virtual-clock")
        broadcast = self.start()["broadcast_id"]
        self.done(broadcast)
        report = self.action("report", broadcast)
        self.assertEqual(report["counts"], {"sent": 9, "refused": 1, "queued": 1, "uncertain": 1})
        rows = {r["address"]: r for r in report["rows"]}
        self.assertEqual({a: r["state"] for a, r in rows.items()}, {"r3@there.example": "refused", "r7@there.example": "uncertain"})
        self.assertIn("nobody of that name", rows["r3@there.example"]["server_said"])
        self.assertEqual(len(self.action("report", broadcast, rows="all", limit=5)["rows"]), 5)
        self.sink.on_rcpt = lambda s, r: "250 2.1.5 ok"
        self.host.ok("clock", "advance", "2m")
        wait_for("the full mailbox has room", lambda: self.action("report", broadcast)["counts"].get("sent") == 10, 15)

    def test_a_mistake_in_the_last_ones_data_sends_nothing(self):
        self.host.start()
        arguments = {"credential_id": "me", "text": "{{ points }}", "recipients": [{"to": "a@x.example", "data": {"points": 1}}, {"to": "b@x.example"}]}
        r = self.host.run("call", "email_broadcast", json.dumps(arguments))
        self.assertNotEqual(r.returncode, 0)
        self.assertIn("b@x.example", r.stderr + r.stdout)
        self.assertIn("points", r.stderr + r.stdout)
        r = self.host.run("call", "email_broadcast", json.dumps({**arguments, "recipients": [f"a{i}@x.example" for i in range(21)], "text": "x"}))
        self.assertIn("unsubscribe", r.stderr + r.stdout)
        for bad in ("http://plain.example/", "https://x.example/ y", "https://x.example/>\r\nBcc: z@x.example"):
            r = self.host.run("call", "email_broadcast", json.dumps({**arguments, "recipients": ["a@x.example"], "text": "x", "unsubscribe_url": bad}))
            self.assertNotEqual(r.returncode, 0, bad)
        time.sleep(0.5)
        self.assertEqual(self.sink.messages, [])

    def test_preview_sends_nothing(self):
        self.host.start()
        shown = self.start(mode="preview")
        self.assertEqual(shown["state"], "preview")
        self.assertEqual([p["subject"] for p in shown["previews"]], ["News for R0", "News for R1", "News for R2"])
        time.sleep(0.5)
        self.assertEqual((self.sink.messages, self.host.json("outbox", "list")["outbox"]), ([], []))

    def test_pause_holds_resume_goes_on_cancel_ends(self):
        self.sink.on_end = lambda m: time.sleep(0.05) or "250 2.0.0 queued"
        self.host.start()
        broadcast = self.start(n=60)["broadcast_id"]
        wait_for("some have gone", lambda: len(self.sink.messages) >= 6, 10)
        self.assertEqual(self.action("pause", broadcast)["state"], "paused")
        time.sleep(0.5)
        held = len(self.sink.messages)
        self.assertLess(held, 40)
        time.sleep(1)
        self.assertEqual(len(self.sink.messages), held)
        self.host.kill()
        self.host.start()
        time.sleep(0.5)
        self.assertEqual(len(self.sink.messages), held, "a pause lasts over a restart")
        self.action("resume", broadcast)
        self.done(broadcast)
        self.assertEqual(self.numbers(), collections.Counter(range(60)))
        other = self.start(n=60, idempotency_key="other")["broadcast_id"]
        wait_for("some of the other have gone", lambda: len(self.sink.messages) >= 66, 10)
        self.action("cancel", other)
        time.sleep(0.5)
        held = len(self.sink.messages)
        time.sleep(0.7)
        self.assertEqual(len(self.sink.messages), held)
        self.assertLess(held, 115)
        r = self.host.run("call", "email_broadcast", json.dumps({"credential_id": "me", "action": "resume", "broadcast_id": other}))
        self.assertNotEqual(r.returncode, 0)

    def test_a_pause_holds_also_what_was_under_way(self):
        asked, answer = threading.Event(), threading.Event()
        self.addCleanup(answer.set)
        self.sink.on_rcpt = lambda s, r: asked.set() or (answer.wait(60) and "450 4.2.1 later")
        self.host.start("--virtual-clock")
        broadcast = self.start(n=3)["broadcast_id"]
        self.assertTrue(asked.wait(20))
        self.action("pause", broadcast)
        self.sink.on_rcpt = lambda s, r: "250 2.1.5 ok"
        answer.set()
        for _ in range(4):
            time.sleep(0.3)
            self.host.ok("clock", "advance", "2m")
        self.assertEqual((self.sink.messages, self.action("report", broadcast)["counts"]), ([], {"open": 3}))
        self.action("resume", broadcast)
        self.done(broadcast)
        self.assertEqual(self.numbers(), collections.Counter(range(3)))

    def test_what_goes_on_after_a_pause_goes_at_once(self):
        last = threading.Event()
        self.addCleanup(last.set)
        self.sink.on_rcpt = lambda s, r: "450 4.2.1 later" if r[1] != "2" else last.wait(60) and "450 4.2.1 later"
        self.host.start("--virtual-clock")
        broadcast = self.start(n=3)["broadcast_id"]
        wait_for("two were refused for now", lambda: sum(r.get("attempts") == 1 for r in self.host.json("outbox", "list")["outbox"]) == 2, 20)
        self.action("pause", broadcast)
        self.sink.on_rcpt = lambda s, r: "250 2.1.5 ok"
        last.set()
        self.action("resume", broadcast)
        wait_for("all have it", lambda: self.numbers() == collections.Counter(range(3)), 20)

    def test_a_key_is_for_one_request(self):
        self.host.start()
        answer = self.start(n=3, idempotency_key="k")
        for tool, arguments in (("email_broadcast", {"recipients": ["other@x.example"], "text": "other"}), ("email_send", {"to": "other@x.example", "text": "other"})):
            r = self.host.run("call", tool, json.dumps({"credential_id": "me", "idempotency_key": "k", **arguments}))
            self.assertIn("used for another message", r.stderr + r.stdout, tool)
        self.assertEqual(self.start(n=3, idempotency_key="k")["broadcast_id"], answer["broadcast_id"])
        self.assertEqual(self.host.call("email_send", {"credential_id": "me", "to": "b@x.example", "text": "t", "idempotency_key": "s"})["state"], "sent")
        r = self.host.run("call", "email_broadcast", json.dumps({"credential_id": "me", "idempotency_key": "s", "recipients": ["other@x.example"], "text": "other"}))
        self.assertIn("used for another message", r.stderr + r.stdout)

    def test_kills_lose_and_double_nobody(self):
        chance = random.Random(seed := random.SystemRandom().randrange(1 << 30))
        print(f"seed {seed} ", end="", flush=True)
        self.sink.on_end = lambda m: time.sleep(0.02) or "250 2.0.0 queued"
        self.host.start()
        answer = self.start(n=100, idempotency_key="once")
        for _ in range(5):
            time.sleep(chance.random() * 0.6)
            self.host.kill()
            self.host.start()
        broadcast = answer["broadcast_id"]
        self.assertEqual(self.start(n=100, idempotency_key="once")["broadcast_id"], broadcast)
        self.done(broadcast, 60)
        report = self.action("report", broadcast)
        uncertain = {r["address"] for r in report["rows"] if r["state"] == "uncertain"}
        got = self.numbers()
        self.assertEqual([n for n in got if got[n] > 1], [])
        self.assertEqual([n for n in range(100) if not got[n] and f"r{n}@there.example" not in uncertain], [])
        self.assertEqual(report["counts"].get("sent", 0) + len(uncertain), 100)


if __name__ == "__main__":
    main()
