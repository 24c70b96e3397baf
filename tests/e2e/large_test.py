#!/usr/bin/env python3
"""email_send with files that are too large for mail: a link in their place, planned in the preview, uploaded before the message goes."""
import base64
import email
import email.policy
import hashlib
import json
import os
import re
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import STUB, Host, main
from links_test import MOST_MEMORY, SECRET, Judge, get, make_file
from sink import Sink
import unittest


class Large(unittest.TestCase):
    def setUp(self):
        self.host = Host()
        self.addCleanup(self.host.close)
        self.sink = Sink()
        self.addCleanup(self.sink.close)

    def account(self, store=True):
        if store:
            self.judge = Judge()
            self.addCleanup(self.judge.stop)
            record = {"id": "files", "type": "s3", "endpoint": f"http://localhost:{self.judge.port}", "bucket": "mails", "access_key": "AKTEST",
                      "require_tls": False, "prefix": "mail"}
            self.host.write("s3.secret", SECRET)
            self.host.ok("credential", "add", "--file", self.host.write("files.json", json.dumps(record)), "--secret-file",
                         f"secret_key={self.host.dir}/s3.secret")
        self.host.add_credential(self.sink.record(**({"link_store": "files"} if store else {})), "planted-password")

    def file(self, size, name):
        path = os.path.join(self.host.dir, name)
        self.host.inputs.add(path)
        return path, make_file(path, size, name)

    def arguments(self, *paths, **more):
        return {"credential_id": "me", "to": "bob@there.example", "subject": "plans", "text": "See below.", "html": "<body><p>See below.</p></body>",
                "attachments": [{"path": p} for p in paths], **more}

    def test_what_is_too_large_goes_as_a_link_and_the_rest_as_it_is(self):
        self.account()
        small, small_sha = self.file(20_000, "small.bin")
        big, big_sha = self.file(30_000_000, "Großer <Plan>.bin")
        shown = self.host.call("email_send", self.arguments(small, big, mode="preview"), timeout=120)
        self.assertEqual([p for p in self.judge.objects() if os.path.getsize(p) > 1000], [], "a preview uploads nothing")
        sent = self.host.call("email_send", self.arguments(small, big, idempotency_key=shown["idempotency_key"]), timeout=120)
        self.assertEqual(sent["links"], shown["links"])
        (message,) = self.sink.messages
        self.assertEqual(hashlib.sha256(message.data).hexdigest(), shown["sha256"])
        m = email.message_from_bytes(message.data, policy=email.policy.default)
        (part,) = m.iter_attachments()
        self.assertEqual(hashlib.sha256(part.get_content()).hexdigest(), small_sha)
        (link,) = sent["links"]
        text, html = m.get_body(("plain",)).get_content(), m.get_body(("html",)).get_content()
        for said in (link["url"], big_sha, "30.0 MB" if "30.0 MB" in text else "30 MB", "Großer"):
            self.assertIn(said, text)
        self.assertIn(big_sha, html)
        self.assertNotIn("<Plan>", html)
        self.assertLess(html.index(big_sha), html.index("</body>"))
        status, body, _ = get(link["url"])
        self.assertEqual((status, hashlib.sha256(body).hexdigest()), (200, big_sha))
        self.host.ok("links", "revoke", link["id"])
        self.assertEqual(get(link["url"])[0], 404)

    def test_the_servers_own_ceiling_counts(self):
        self.account()
        self.sink.extensions = ("PIPELINING", "SIZE 5000000")
        path, _ = self.file(4_000_000, "four.bin")  # 5.5 MB as base64
        self.assertEqual(len(self.host.call("email_send", self.arguments(path), timeout=120)["links"]), 1)
        path, _ = self.file(3_000_000, "three.bin")
        self.assertNotIn("links", self.host.call("email_send", self.arguments(path), timeout=120))

    def test_without_a_store_nothing_is_sent(self):
        self.account(store=False)
        path, _ = self.file(30_000_000, "big.bin")
        r = self.host.run("call", "email_send", json.dumps(self.arguments(path)))
        self.assertNotEqual(r.returncode, 0)
        for word in ("attachments[0]", "link_store", "MB"):
            self.assertIn(word, r.stderr + r.stdout)
        self.assertEqual(self.sink.messages, [])

    def test_a_store_that_is_away_sends_nothing_and_the_same_call_goes_on(self):
        self.account()
        path, sha = self.file(30_000_000, "big.bin")
        self.judge.process.kill()
        self.judge.process.wait()
        arguments = self.arguments(path, idempotency_key="k")
        r = self.host.run("call", "email_send", json.dumps(arguments), timeout=120)
        self.assertNotEqual(r.returncode, 0)
        self.assertEqual(self.sink.messages, [])
        self.judge.start()
        sent = self.host.call("email_send", arguments, timeout=120)
        self.assertEqual((sent["state"], len(self.sink.messages)), ("sent", 1))
        self.assertEqual(hashlib.sha256(get(sent["links"][0]["url"])[1]).hexdigest(), sha)

    def test_300_mb_within_48_mb(self):
        self.account()
        path, sha = self.file(300_000_000, "film.bin")
        pipe = self.host.popen("call", "email_send", json.dumps(self.arguments(path)), "--json", stdout=subprocess.PIPE)
        said = pipe.stdout.read()
        self.host.written.append(said.decode())
        _, status, used = os.wait4(pipe.pid, 0)
        pipe.returncode = os.waitstatus_to_exitcode(status)
        pipe.stdout.close()
        self.assertEqual(pipe.returncode, 0, said)
        print(f"300 MB by email_send: {used.ru_maxrss} kB resident at most ", end="", flush=True)
        self.assertLess(used.ru_maxrss, MOST_MEMORY)
        (link,) = json.loads(said)["structuredContent"]["links"]
        status, body, _ = get(link["url"])
        self.assertEqual((status, hashlib.sha256(body).hexdigest()), (200, sha))


if __name__ == "__main__":
    main()
