#!/usr/bin/env python3
"""The durable outbox: what waits goes at its time, again after a refusal for now, never twice, and as it was shown."""
import hashlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import PATIENCE, Host, main, wait_for
from sink import Sink

# What an independent verifier (dkimpy) says of a message; the domain's records come from the command line, not from DNS.
VERIFY = """
import dkim, json, sys
records = json.loads(sys.argv[1])
message = sys.stdin.buffer.read()
def txt(name, timeout=5):
    name = name.decode() if isinstance(name, bytes) else name
    return records.get(name.rstrip('.'), '').encode()
n = message.split(b'\\r\\n\\r\\n')[0].lower().count(b'dkim-signature:')
d = dkim.DKIM(message)
print(json.dumps([bool(d.verify(idx=i, dnsfunc=txt)) for i in range(n)]))
"""


class Outbox(unittest.TestCase):
    def setUp(self):
        self.sink = Sink()
        self.addCleanup(self.sink.close)
        self.host = Host()
        self.addCleanup(self.host.close)

    def account(self, **more):
        self.host.add_credential(self.sink.record(**more), "planted-password")

    def resident(self):
        self.host.start("--virtual-clock")

    def send(self, **more):
        return self.host.call("email_send", {"credential_id": "me", "to": "bob@there.example", "subject": "hi", "text": "hello", **more})

    def records(self):
        return self.host.json("outbox", "list")["outbox"]

    def state(self, n=0):
        records = self.records()
        return records[n]["state"] if n < len(records) else "none"

    def try_again(self):
        """Time goes on to the next attempt of the only record, and this waits for its end: never a jump of the clock in the middle of one."""
        before = self.records()[0]
        wait_s = (before["next_attempt_unix_ns"] - before["updated_unix_ns"]) // 10**9 + 2
        self.host.ok("clock", "advance", f"{wait_s}s")
        wait_for("the attempt", lambda: self.records()[0]["attempts"] > before["attempts"] and self.state() in ("queued", "failed"), 30)

    def becomes(self, state, seconds=15):
        wait_for(f"the record is {state}", lambda: self.state() == state, seconds)

    def in_an_hour(self):
        return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3600))

    def test_send_at_survives_a_kill_and_goes_once(self):
        self.account()
        self.resident()
        answer = self.send(send_at=self.in_an_hour(), idempotency_key="k")
        self.assertEqual((answer["state"], answer["why_queued"]), ("queued", "send_at"))
        self.host.kill()
        self.resident()
        self.host.ok("clock", "advance", "59m")
        time.sleep(0.3)
        self.assertEqual(self.sink.messages, [])
        self.host.ok("clock", "advance", "2m")
        self.becomes("sent")
        self.host.ok("clock", "advance", "2h")
        again = self.send(send_at=answer["next_attempt"], idempotency_key="k")
        self.assertEqual((again["state"], again.get("repeated")), ("sent", True))
        self.assertEqual(len(self.sink.messages), 1)

    def test_what_is_refused_for_now_goes_later(self):
        seen = []
        self.sink.on_rcpt = lambda s, r: seen.append(r) or ("450 4.2.0 greylisted" if len(seen) == 1 else "250 2.1.5 ok")
        self.account()
        self.resident()
        answer = self.send()
        self.assertEqual((answer["state"], answer["why_queued"]), ("queued", "temporary"))
        self.assertEqual(answer["recipients"][0]["state"], "temporary")
        self.host.ok("clock", "advance", "50s")
        time.sleep(0.3)
        self.assertEqual(len(seen), 1)
        self.host.ok("clock", "advance", "30s")
        self.becomes("sent")
        self.assertEqual((len(self.sink.messages), self.records()[0]["attempts"]), (1, 2))

    def test_each_recipient_has_a_fate_of_its_own(self):
        later = ["450 4.2.1 later"]
        self.sink.on_rcpt = lambda s, r: {"c": "550 5.1.1 nobody", "b": later[0]}.get(r[0], "250 2.1.5 ok")
        self.account()
        self.resident()
        answer = self.send(to="a@x.example, b@x.example", bcc="c@y.example")
        self.assertEqual(answer["state"], "queued")
        self.assertEqual([r["state"] for r in answer["recipients"]], ["accepted", "temporary", "refused"])
        self.assertEqual(answer["recipients"][2]["enhanced"], "5.1.1")
        later[0] = "250 2.1.5 ok"
        self.host.ok("clock", "advance", "70s")
        self.becomes("sent")
        self.assertEqual([m.recipients for m in self.sink.messages], [["a@x.example"], ["b@x.example"]])
        self.assertEqual(self.sink.messages[0].data, self.sink.messages[1].data)
        self.assertEqual([r["state"] for r in self.records()[0]["recipients"]], ["accepted", "accepted", "refused"])

    def test_a_server_that_is_away_for_a_while(self):
        self.account()
        self.sink.close()
        self.resident()
        self.assertEqual(self.send()["state"], "queued")
        self.sink = Sink(port=self.sink.port)
        self.addCleanup(self.sink.close)
        self.host.ok("clock", "advance", "70s")
        self.becomes("sent")
        self.assertEqual(len(self.sink.messages), 1)

    def test_two_days_are_enough(self):
        self.sink.on_mail = lambda sender: "451 4.3.0 never today"
        self.account()
        self.resident()
        self.assertEqual(self.send()["state"], "queued")
        while self.state() == "queued":
            self.try_again()
        record = self.records()[0]
        self.assertEqual(record["state"], "failed")
        self.assertLess(record["updated_unix_ns"] - record["created_unix_ns"], 49 * 3600 * 10**9)
        self.assertIn("never today", record["error"]["server_said"])
        self.assertGreater(record["attempts"], 10)
        self.assertEqual(self.sink.messages, [])

    def test_who_is_there_for_one_call_is_told(self):
        self.account()
        self.sink.on_mail = lambda sender: "451 4.3.0 later"
        r = self.host.run("call", "email_send", json.dumps({"credential_id": "me", "to": "b@x.example", "text": "t", "idempotency_key": "k"}))
        self.assertNotEqual(r.returncode, 0)
        self.assertIn("later", r.stderr + r.stdout)
        self.assertEqual(self.state(), "failed")
        self.sink.on_mail = lambda sender: "250 2.1.0 ok"
        self.assertEqual(self.host.call("email_send", {"credential_id": "me", "to": "b@x.example", "text": "t", "idempotency_key": "k"})["state"], "sent")
        self.assertEqual(len(self.sink.messages), 1)

    def test_who_is_there_for_one_call_learns_that_nothing_goes_by_itself(self):
        self.account()
        r = self.host.run("call", "email_send", json.dumps({"credential_id": "me", "to": "b@x.example", "text": "t", "send_at": self.in_an_hour()}))
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertIn("host-stub run", r.stdout)

    def test_a_message_has_no_more_recipients_than_the_account_may_give_it(self):
        self.account(limits={"recipients_per_message": 2})
        to = ["a@x.example", "b@x.example"]
        self.assertEqual(self.send(to=to)["state"], "sent")
        r = self.host.run("call", "email_send", json.dumps({"credential_id": "me", "to": to, "bcc": "c@x.example", "text": "t"}))
        self.assertEqual(r.returncode, 1)
        self.assertIn("recipients_per_message", r.stderr)
        self.assertEqual(len(self.sink.messages), 1)

    def test_a_file_that_could_not_be_uploaded_is_on_record(self):
        with socket.create_server(("127.0.0.1", 0)) as s:
            closed = s.getsockname()[1]
        self.host.write("key.secret", "planted-key")
        self.host.write("store.json", json.dumps({"id": "files", "type": "s3", "endpoint": f"http://127.0.0.1:{closed}", "bucket": "mails",
                                                  "access_key": "A", "require_tls": False}))
        self.host.ok("credential", "add", "--file", os.path.join(self.host.dir, "store.json"),
                     "--secret-file", "secret_key=" + os.path.join(self.host.dir, "key.secret"))
        self.account(link_store="files", limits={"max_message_bytes": 100_000})
        path = self.host.write("large.txt", "x" * 200_000)
        r = self.host.run("call", "email_send", json.dumps({"credential_id": "me", "to": "b@x.example", "text": "t", "attachments": [{"path": path}]}))
        self.assertEqual(r.returncode, 1)
        self.assertIn(f"127.0.0.1:{closed}", r.stderr)
        (record,) = self.records()
        self.assertEqual(record["state"], "failed")
        self.assertIn(f"127.0.0.1:{closed}", json.dumps(record["error"]))
        self.assertEqual(self.sink.messages, [])

    def test_a_cut_after_the_dot_is_uncertain_and_never_repeated(self):
        self.account()
        self.resident()
        self.sink.on_end = lambda message: None
        self.send(send_at=self.in_an_hour())
        self.host.ok("clock", "advance", "61m")
        self.becomes("uncertain")
        self.sink.on_end = lambda message: "250 2.0.0 queued"
        for _ in range(5):
            self.host.ok("clock", "advance", "12h")
        self.assertEqual((self.state(), self.sink.messages), ("uncertain", []))

    def test_a_kill_after_the_commit_is_reported_without_a_call(self):
        self.account()
        self.host.start("--virtual-clock", env={"AOH_FAULTS": "state.applied~:committing=kill"})
        self.send(send_at=self.in_an_hour())
        self.host.run("clock", "advance", "61m")
        wait_for("the crash", lambda: self.host.daemon.poll() is not None, 20)
        self.host.daemon = None
        self.resident()
        self.becomes("uncertain")
        self.assertIn("a person must look", self.host.log_text())

    def test_what_waits_can_be_taken_back(self):
        self.account()
        self.resident()
        answer = self.send(send_at=self.in_an_hour())
        self.host.ok("outbox", "cancel", answer["outbox_id"])
        self.host.ok("clock", "advance", "2h")
        time.sleep(0.3)
        self.assertEqual((self.state(), self.sink.messages), ("cancelled", []))
        self.assertNotEqual(self.host.run("outbox", "cancel", answer["outbox_id"]).returncode, 0)

    def test_an_outcome_that_the_disk_does_not_take_is_written_later(self):
        self.account()
        self.host.start("--virtual-clock", env={"AOH_FAULTS": "state.apply~:sent@1=fail;state.apply~:queued@2=fail"})
        self.assertEqual(self.send()["state"], "sent")
        self.becomes("sent")
        later = ["450 4.2.1 later"]
        self.sink.on_end = lambda m: later[0]
        answer = self.send(send_at=self.in_an_hour(), idempotency_key="k")
        self.host.ok("clock", "advance", "61m")
        wait_for("the attempt", lambda: any("could not be written" in line and answer["outbox_id"] in line for line in self.host.log_text().splitlines()), 15)
        later[0] = "250 2.0.0 queued"
        wait_for("both have gone", lambda: self.host.ok("clock", "advance", "70s") is not None and [r["state"] for r in self.records()] == ["sent", "sent"], 30)
        self.assertEqual(len(self.sink.messages), 2)

    def test_a_call_that_gave_up_was_not_queued_behind_its_back(self):
        self.account()
        self.host.start()
        slow = threading.Event()
        self.addCleanup(slow.set)
        self.sink.on_mail = lambda sender: slow.wait(60) and "451 4.3.0 later"
        r = self.host.run("call", "email_send", json.dumps({"credential_id": "me", "to": "b@x.example", "text": "t"}), "--timeout", "3")
        self.assertNotEqual(r.returncode, 0)
        self.becomes("failed")

    def test_mail_of_an_account_that_was_removed_comes_to_an_end(self):
        self.account()
        self.resident()
        self.send(send_at=self.in_an_hour())
        self.host.ok("credential", "remove", "me")
        self.host.ok("clock", "advance", "61m")
        wait_for("an attempt", lambda: self.records()[0]["attempts"] == 1 and self.state() == "queued", 15)
        self.assertIn("no such mail account", self.records()[0]["error"]["what"])
        while self.state() == "queued":
            self.try_again()
        self.assertEqual((self.state(), self.sink.messages), ("failed", []))

    def test_accounts_that_hang_hold_up_no_other(self):
        hang = threading.Event()
        self.addCleanup(hang.set)
        self.sink.on_mail = lambda sender: "250 2.1.0 ok" if sender.startswith("z@") else hang.wait(600) and "451 4.3.0 later"
        self.host.start("--virtual-clock")
        names = [f"a{i}" for i in range(12)] + ["z"]
        for name in names:
            self.account(credential=name, email=f"{name}@sender.example", username=name)
            for _ in range(1 if name == "z" else 3):
                self.host.call("email_send", {"credential_id": name, "to": "b@x.example", "text": "t", "send_at": self.in_an_hour()})
        self.host.ok("clock", "advance", "90m")
        wait_for("the mail of the account whose server answers", lambda: len(self.sink.messages) == 1, 60)

    def test_the_end_does_not_wait_for_a_server_that_does_not_answer(self):
        self.account()
        self.resident()
        hang, there = threading.Event(), threading.Event()
        self.addCleanup(hang.set)
        self.sink.on_end = lambda message: there.set() or (hang.wait(60) and None)
        self.send(send_at=self.in_an_hour())
        self.host.ok("clock", "advance", "61m")
        self.assertTrue(there.wait(20))
        self.host.daemon.terminate()
        self.host.daemon.wait(timeout=12 * PATIENCE)  # an operator's patience, not a measurement
        self.host.daemon = None
        hang.set()
        self.sink.on_end = lambda message: "250 2.0.0 queued"
        self.resident()
        self.becomes("uncertain")
        self.assertEqual(self.sink.messages, [])

    def test_what_was_previewed_is_what_is_sent(self):
        self.account()
        arguments = {"bcc": "secret@hidden.example", "html": "<p>Grüße</p>", "mode": "preview",
                     "attachments": [{"filename": "a.bin", "base64": "AAECAw=="}]}
        shown = self.send(**arguments)
        self.assertEqual((shown["state"], self.sink.messages), ("preview", []))
        self.assertEqual(shown["message"]["attachments"][0]["filename"], "a.bin")
        time.sleep(1.1)  # another Date, if it were composed anew
        sent = self.send(**{**arguments, "mode": "send", "idempotency_key": shown["idempotency_key"]})
        self.assertEqual(sent["state"], "sent")
        (message,) = self.sink.messages
        self.assertEqual(hashlib.sha256(message.data).hexdigest(), shown["sha256"])
        self.assertEqual(sorted(message.recipients), ["bob@there.example", "secret@hidden.example"])
        self.assertNotIn(b"hidden.example", message.data)
        other = self.host.run("call", "email_send", json.dumps({"credential_id": "me", "to": "else@x.example", "text": "t",
                                                                "idempotency_key": shown["idempotency_key"]}))
        self.assertIn("used for another message", other.stderr + other.stdout)

    def test_signatures_verify_with_an_independent_verifier(self):
        folder = tempfile.mkdtemp(prefix="dkim", dir="/tmp")
        self.addCleanup(subprocess.run, ["rm", "-rf", folder])
        keys, records = [], {}
        for name, options in (("rsa", ["RSA", "-pkeyopt", "rsa_keygen_bits:2048"]), ("ed", ["ED25519"])):
            path = f"{folder}/{name}.pem"
            subprocess.run(["openssl", "genpkey", "-algorithm", *options, "-out", path], check=True, capture_output=True)
            der = subprocess.run(["openssl", "pkey", "-in", path, "-pubout", "-outform", "DER"], check=True, capture_output=True).stdout
            import base64
            kind, public = ("ed25519", der[-32:]) if name == "ed" else ("rsa", der)
            for selector in (name, name + "-simple"):
                records[f"{selector}._domainkey.sender.example"] = f"v=DKIM1; k={kind}; p={base64.b64encode(public).decode()}"
            keys.append(open(path).read())
        entries = [{"domain": "sender.example", "selector": s, **({"header": "simple", "body": "simple"} if "simple" in s else {})}
                   for s in ("rsa", "ed", "rsa-simple", "ed-simple")]
        record = self.sink.record(dkim=entries)
        path = self.host.write("me.json", json.dumps(record))
        secret = self.host.write("me.secret", "planted-password")
        bundle = self.host.write("keys.secret", "".join(keys + keys))
        self.host.ok("credential", "add", "--file", path, "--secret-file", f"password={secret}", "--secret-file", f"dkim_key={bundle}")
        bodies = ["hello\n.\n..dots\n\n\n", "", "trailing   \nGrüße aus Köln " * 40, "a\r\rb\n \n"]
        for body in bodies:
            self.send(text=body or "x", subject=f"Prüfung  {len(body)}", html="<p>x</p>" if len(body) > 100 else "")
        self.assertEqual(len(self.sink.messages), len(bodies))
        for message in self.sink.messages:
            said = subprocess.run(["/usr/bin/python3", "-c", VERIFY, json.dumps(records)], input=message.data, capture_output=True)
            self.assertEqual(json.loads(said.stdout or b"null"), [True] * 4, said.stderr.decode() + message.data.decode(errors="replace"))
            broken = message.data.replace(b"Subject: ", b"Subject: Re ", 1)
            said = subprocess.run(["/usr/bin/python3", "-c", VERIFY, json.dumps(records)], input=broken, capture_output=True)
            self.assertEqual(json.loads(said.stdout or b"null"), [False] * 4, "the verifier can say no")
        for path, content in self.host.files().items():
            self.assertNotIn(keys[0].split("\n")[1].encode(), content, path)

    def test_a_domain_that_signs_never_sends_unsigned(self):
        self.account(dkim=[{"domain": "sender.example", "selector": "s"}])
        r = self.host.run("call", "email_send", json.dumps({"credential_id": "me", "to": "b@x.example", "text": "t"}))
        self.assertNotEqual(r.returncode, 0)
        self.assertIn("dkim_key", r.stderr + r.stdout)
        self.assertEqual(self.sink.messages, [])


if __name__ == "__main__":
    main()
