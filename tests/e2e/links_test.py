#!/usr/bin/env python3
"""Large files as links: uploaded in bounded memory, resumed, good until they expire or are revoked, and no longer."""
import hashlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.error
import urllib.parse
import urllib.request

import harness
from harness import PATIENCE, STUB, Host, wait_for

JS = os.path.join(harness.SOURCE, "tests", "js")
sys.path.insert(0, JS)
import modules

SECRET = "a-secret-key-that-nobody-may-see"
PART = 8 << 20
# What the whole program may take: BASELINES asks for 48 MB. A sanitizer's shadow is not counted against it.
MOST_MEMORY = 48_000 if PATIENCE == 1 else 4_000_000


def make_file(path, size, seed):
    """Bytes that do not repeat, and their SHA-256."""
    block = hashlib.shake_256(seed.encode()).digest(1 << 20)
    digest = hashlib.sha256()
    with open(path, "wb") as f:
        for n in range((size + len(block) - 1) // len(block)):
            piece = (n.to_bytes(8, "big") + block[8:])[: min(len(block), size - n * len(block))]
            f.write(piece)
            digest.update(piece)
    return digest.hexdigest()


class Judge:
    """The object store: s3rver behind an independent check of every signature (tests/js/s3_judge.js)."""

    def __init__(self, **options):
        self.dir = tempfile.mkdtemp(prefix="s3", dir="/tmp")
        self.log = os.path.join(self.dir, "log")
        self.options = {"dir": os.path.join(self.dir, "store"), "bucket": "mails", "access_key": "AKTEST", "secret_key": SECRET,
                        "region": "us-east-1", "log": self.log, **options}
        self.start()

    def start(self):
        self.process = subprocess.Popen(["node", os.path.join(JS, "s3_judge.js"), json.dumps(self.options)], stdout=subprocess.PIPE,
                                        env={**os.environ, "NODE_PATH": modules.node_modules()})
        self.port = json.loads(self.process.stdout.readline())["port"]
        self.options["port"] = self.port

    def requests(self):
        if not os.path.exists(self.log):
            return []
        with open(self.log) as f:
            return [json.loads(line) for line in f]

    def parts(self):
        """Parts that arrived whole and were taken, in order."""
        return [r["part"] for r in self.requests() if r["part"] and r["whole"] and r["status"] == 200]

    def objects(self):
        """What lies in the store, unfinished uploads included."""
        return [os.path.join(folder, n) for folder, _, names in os.walk(self.options["dir"]) for n in names]

    def stop(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        shutil.rmtree(self.dir, ignore_errors=True)


class Cutter:
    """A proxy that breaks connections: each dies after so many bytes towards the server; then it lets everything through."""

    def __init__(self, port, budgets):
        self.port, self.budgets, self.cuts = port, list(budgets), 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = self.listener.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self.port))
            budget = self.budgets.pop(0) if self.budgets else None
            threading.Thread(target=self.pump, args=(client, server, budget), daemon=True).start()
            threading.Thread(target=self.pump, args=(server, client, None), daemon=True).start()

    def pump(self, source, sink, budget):
        try:
            while data := source.recv(65536):
                if budget is not None:
                    budget -= len(data)
                    if budget < 0:
                        self.cuts += 1
                        break
                sink.sendall(data)
        except OSError:
            pass
        for s in (source, sink):
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def close(self):
        self.listener.close()


def get(url):
    """Status, body and Content-Disposition of a link, followed as a recipient does."""
    try:
        with urllib.request.urlopen(url, timeout=60 * PATIENCE) as r:
            return r.status, r.read(), r.headers.get("Content-Disposition")
    except urllib.error.HTTPError as e:
        return e.code, e.read(), None


class Links(unittest.TestCase):
    def setUp(self):
        self.host = Host()
        self.addCleanup(self.host.close)

    def store(self, judge=None, port=None, secret=SECRET, **changes):
        if judge is None:
            judge = Judge()
            self.addCleanup(judge.stop)
        self.judge = judge
        record = {"id": "files", "type": "s3", "endpoint": f"http://localhost:{port or judge.port}", "bucket": "mails", "access_key": "AKTEST",
                  "require_tls": False, "prefix": "mail/links", **changes}
        self.host.write("secret.secret", secret + "\n")
        self.host.ok("credential", "add", "--file", self.host.write("files.json", json.dumps(record)), "--secret-file",
                     f"secret_key={self.host.dir}/secret.secret")
        mail = {"id": "me", "type": "mail", "email": "me@rig.test", "smtp": {"host": "127.0.0.1", "port": 1}, "link_store": "files"}
        self.host.write("me.secret", "planted-password\n")
        self.host.ok("credential", "add", "--file", self.host.write("me.json", json.dumps(mail)), "--secret-file",
                     f"password={self.host.dir}/me.secret")

    def file(self, size, name="big.bin"):
        path = os.path.join(self.host.dir, name)
        self.host.inputs.add(path)
        return path, make_file(path, size, name)

    def arguments(self, path, **more):
        return {"action": "upload", "credential_id": "me", "path": path, **more}

    def upload(self, path, **more):
        return self.host.call("email_links", self.arguments(path, **more), timeout=300)

    def links(self):
        return self.host.json("links", "list")["links"]

    def no_secret(self):
        for text in self.host.written:
            self.assertNotIn(SECRET, text)
        for path, data in self.host.files().items():
            self.assertNotIn(SECRET.encode(), data, path)

    def test_300_mb_within_48_mb_and_the_link_ends_with_its_revocation(self):
        self.store()
        path, sha256 = self.file(300_000_000, "Großer Plan.bin")
        pipe = self.host.popen("call", "email_links", json.dumps(self.arguments(path)), "--json", stdout=subprocess.PIPE)
        said = pipe.stdout.read()
        self.host.written.append(said.decode())
        _, status, used = os.wait4(pipe.pid, 0)  # VmHWM of the whole program, module and network included
        pipe.returncode = os.waitstatus_to_exitcode(status)
        pipe.stdout.close()
        self.assertEqual(pipe.returncode, 0, said)
        print(f"300 MB: {used.ru_maxrss} kB resident at most")
        self.assertLess(used.ru_maxrss, MOST_MEMORY)
        answer = json.loads(said)["structuredContent"]
        (link,) = answer["links"]
        self.assertEqual((link["state"], link["size"], link["sha256"]), ("ready", 300_000_000, sha256))
        self.assertEqual(self.judge.parts(), list(range(1, 37)))

        status, body, disposition = get(answer["url"])
        self.assertEqual((status, hashlib.sha256(body).hexdigest()), (200, sha256))
        self.assertIn("filename*=UTF-8''Gro%C3%9Fer%20Plan.bin", disposition)
        del body
        self.tampered(answer["url"])

        self.host.ok("links", "revoke", link["id"])
        self.assertEqual(get(answer["url"])[0], 404)
        self.assertEqual([r["state"] for r in self.links()], ["revoked"])
        self.assertEqual([p for p in self.judge.objects() if os.path.getsize(p) > 100_000], [])
        self.host.ok("links", "revoke", link["id"])  # once more does no harm
        self.no_secret()

    def tampered(self, url):
        """No change to a link leaves it working."""
        base, query = url.split("?", 1)
        pairs = query.split("&")

        def changed(name, edit):
            return base + "?" + "&".join(edit(p) if p.startswith(name + "=") else p for p in pairs)

        def flip(p):
            return p[:-1] + ("0" if p[-1] != "0" else "1")

        tries = {"signature": changed("X-Amz-Signature", flip),
                 "expiry": changed("X-Amz-Expires", lambda p: "X-Amz-Expires=604799"),
                 "date": changed("X-Amz-Date", lambda p: p.replace("T", "T0", 1)[:-2] + "Z"),
                 "key": changed("X-Amz-Credential", lambda p: p.replace("AKTEST", "AKOTHER")),
                 "object": url.replace("/mail/links/", "/mail/linkz/"),
                 "file name": changed("response-content-disposition", lambda p: p.replace("attachment", "inline")),
                 "unsigned": base}
        for what, other in tries.items():
            self.assertNotEqual(other, url, what)
            self.assertIn(get(other)[0], (400, 403), what)
        self.assertEqual(get(url)[0], 200)

    def test_a_link_works_until_it_expires(self):
        self.store()
        path, sha256 = self.file(200_000, "short.bin")
        answer = self.upload(path, lifetime_s=4)
        begun = time.monotonic()
        status, body, _ = get(answer["url"])
        if time.monotonic() - begun < 2:  # else the machine was too slow to see it alive
            self.assertEqual((status, hashlib.sha256(body).hexdigest()), (200, sha256))
        wait_for("the link's end", lambda: get(answer["url"])[0] == 403, 15)
        self.assertTrue(any(p.endswith("._S3rver_object") for p in self.judge.objects()))
        wait_for("the purge", lambda: self.host.call("email_links", {"action": "purge", "credential_id": "me"})["links"], 10)
        self.assertEqual([r["state"] for r in self.links()], ["expired"])
        self.assertFalse(any(p.endswith("._S3rver_object") for p in self.judge.objects()))

    def test_cuts_are_mended_and_no_finished_part_is_sent_twice(self):
        judge = Judge(fail=2)  # and two parts are first told to slow down
        self.addCleanup(judge.stop)
        # The connections of the two refused parts, then three that are cut, then whole ones.
        cutter = Cutter(judge.port, [None, None, 3 * PART + 1_000_000, 2 * PART + 5_000_000, 4_000_000])
        self.addCleanup(cutter.close)
        self.store(judge, cutter.address)
        path, sha256 = self.file(80_000_000)
        answer = self.upload(path)
        self.assertEqual(cutter.cuts, 3)
        self.assertEqual(sorted(judge.parts()), list(range(1, 11)))  # each once
        self.assertEqual(sum(r["bytes"] for r in judge.requests() if r["part"] and r["whole"]), 80_000_000)
        self.assertEqual(len([r for r in judge.requests() if r["part"] and not r["whole"] and r["status"] == 0]), 3)
        status, body, _ = get(answer["url"])
        self.assertEqual((status, hashlib.sha256(body).hexdigest()), (200, sha256))

    def killed_in_the_middle(self, path):
        """The plan's arguments are the same for both attempts: the record of the first says where to go on."""
        process = self.host.popen("call", "email_links", json.dumps(self.arguments(path)))
        wait_for("four parts", lambda: len(self.judge.parts()) >= 4, 60)
        process.send_signal(signal.SIGKILL)
        process.wait()
        (record,) = self.links()
        self.assertEqual(record["state"], "uploading")
        return record

    def test_an_upload_killed_in_the_middle_goes_on_where_it_was(self):
        self.store()
        path, sha256 = self.file(150_000_000)
        record = self.killed_in_the_middle(path)
        before = self.judge.parts()
        # One may have arrived whole, and the kill came before its answer.
        unanswered = {r["part"] for r in self.judge.requests() if r["part"] and r["whole"] and r["status"] == 0}
        answer = self.host.call("email_links", {"action": "upload", "credential_id": "me", "path": path, "id": record["id"]}, timeout=300)
        after = self.judge.parts()
        self.assertEqual(after[: len(before)], before)
        self.assertEqual(len(after), len(set(after)))  # each once
        self.assertEqual(set(after) | unanswered, set(range(1, 19)))
        self.assertEqual([r["state"] for r in self.links()], ["ready"])
        status, body, _ = get(answer["url"])
        self.assertEqual((status, hashlib.sha256(body).hexdigest()), (200, sha256))

    def test_another_file_under_the_same_name_is_not_mixed_into_an_upload(self):
        self.store()
        path, _ = self.file(150_000_000)
        record = self.killed_in_the_middle(path)
        with open(path, "r+b") as f:  # same size, other bytes in the first part
            f.write(b"changed")
        r = self.host.run("call", "email_links", json.dumps({"action": "upload", "credential_id": "me", "path": path, "id": record["id"]}),
                          timeout=300)
        self.assertNotEqual(r.returncode, 0)
        self.assertIn("no longer what it was", r.stderr)
        self.assertEqual([p for p in self.judge.objects() if os.path.getsize(p) > 100_000], [])  # nothing is left behind

    def test_revoking_an_upload_that_was_never_finished_takes_its_parts_away(self):
        self.store()
        path, _ = self.file(150_000_000)
        record = self.killed_in_the_middle(path)
        self.host.ok("links", "revoke", record["id"])
        self.assertEqual([p for p in self.judge.objects() if os.path.getsize(p) > 100_000], [])
        self.assertEqual([r["state"] for r in self.links()], ["revoked"])

    def refused(self, words, **store):
        self.store(self.judge, **store)
        path, _ = self.file(100_000, "small.bin")
        r = self.host.run("call", "email_links", json.dumps(self.arguments(path)), timeout=120)
        self.assertNotEqual(r.returncode, 0, r.stdout)
        self.assertEqual(len([x for x in r.stderr.strip().splitlines() if not x.startswith("development build")]), 1, r.stderr)
        for w in words:
            self.assertIn(w.lower(), r.stderr.lower())
        test = self.host.run("integration", "test", "--credential", "files", "--type", "s3", timeout=120)
        self.assertNotEqual(test.returncode, 0)
        self.assertIn("FAILED", test.stdout)
        for w in words:
            self.assertIn(w.lower(), test.stdout.lower())

    def test_what_is_wrong_is_said_with_its_cure(self):
        self.judge = Judge()
        self.addCleanup(self.judge.stop)
        self.refused(["secret key is wrong", "credential add"], secret="another-secret")
        self.refused(["does not know the access key"], access_key="AKNOBODY")
        self.refused(["no such bucket"], bucket="nothing-here")
        self.refused(["region"], region="eu-west-7")
        with socket.create_server(("127.0.0.1", 0)) as s:
            closed = s.getsockname()[1]
        self.store(self.judge, closed)
        test = self.host.run("integration", "test", "--credential", "files")
        self.assertIn("refused", test.stdout)
        self.no_secret()

    def test_plaintext_is_for_loopback_and_references_must_exist(self):
        for changes, word in (({"endpoint": "http://minio.example.org"}, "loopback"), ({"require_tls": True}, "requires TLS"),
                              ({"bucket": "No_Such_Name"}, "bucket")):
            self.store(**changes)
            r = self.host.run("integration", "test", "--credential", "files")
            self.assertNotEqual(r.returncode, 0)
            self.assertIn(word, r.stderr + r.stdout)
        mail = {"id": "you", "type": "mail", "email": "you@rig.test", "link_store": "fils", "password": "x"}
        r = self.host.run("credential", "add", "--file", self.host.write("you.json", json.dumps(mail)))
        self.assertNotEqual(r.returncode, 0)
        self.assertIn('did you mean "files"', r.stderr)

    def test_tls_is_verified_with_the_stores_own_authority(self):
        folder = tempfile.mkdtemp(prefix="tls", dir="/tmp")
        self.addCleanup(shutil.rmtree, folder, True)
        cert, key = os.path.join(folder, "cert.pem"), os.path.join(folder, "key.pem")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-keyout", key,
                        "-out", cert, "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"], check=True, capture_output=True)
        judge = Judge(cert=cert, key=key)
        self.addCleanup(judge.stop)
        endpoint = f"https://localhost:{judge.port}"
        self.store(judge, endpoint=endpoint, require_tls=True, ca_file=cert)
        report = self.host.ok("integration", "test", "--credential", "files", "--type", "s3")
        self.assertIn("TLS verified", report)
        path, _ = self.file(1_000_000, "small.bin")
        self.assertTrue(self.upload(path)["url"].startswith(endpoint))
        self.store(judge, endpoint=endpoint, require_tls=True)
        r = self.host.run("integration", "test", "--credential", "files")
        self.assertNotEqual(r.returncode, 0)
        self.assertIn("certificate", r.stdout)
        self.store(judge, endpoint=f"https://127.0.0.1:{judge.port}", require_tls=True, ca_file=cert)
        self.assertIn("certificate", self.host.run("integration", "test", "--credential", "files").stdout)


if __name__ == "__main__":
    harness.main()
