#!/usr/bin/env python3
"""One message of 150 MB, read by a host that may have 48 MB of memory of its own (RLIMIT_DATA; thread stacks count as what they may grow to)."""
import base64
import hashlib
import json
import os
import pwd
import resource
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import PATIENCE, STUB, RigTest, main

LINES = 1_920_000  # of 78 bytes: 150 MB on the wire
DATA = 48 << 20
SANITIZED = PATIENCE > 1  # shadow memory is no use to a limit


def limits():
    resource.setrlimit(resource.RLIMIT_STACK, (1 << 20, 1 << 20))
    resource.setrlimit(resource.RLIMIT_DATA, (DATA, DATA))


class Huge(RigTest):
    def message(self, path):
        """Writes it; SHA-256 of the whole and of the attachment."""
        self.host.inputs.add(path)
        piece = bytes(range(57))
        line = base64.b64encode(piece) + b"\r\n"
        whole, inner = hashlib.sha256(), hashlib.sha256()
        head = (b"From: a@rig.test\r\nTo: me@rig.test\r\nSubject: =?utf-8?Q?gro=C3=9F?=\r\nMessage-ID: <huge@rig.test>\r\nMIME-Version: 1.0\r\n"
                b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nsee the file\r\n"
                b"--b\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\nContent-Disposition: attachment; filename=film.bin\r\n\r\n")
        with open(path, "wb") as f:
            for part in [head] + [line * 10_000] * (LINES // 10_000) + [b"--b--\r\n"]:
                f.write(part)
                whole.update(part)
        for _ in range(LINES // 10_000):
            inner.update(piece * 10_000)
        return whole.hexdigest(), inner.hexdigest()

    def small(self, tool, arguments):
        """The tool's result, from a process with the limits."""
        r = subprocess.run([STUB, "call", tool, json.dumps(arguments), "--json", "--home", self.host.home], stdin=subprocess.DEVNULL, capture_output=True,
                           timeout=120 * PATIENCE, preexec_fn=None if SANITIZED else limits, env={**os.environ, "MALLOC_ARENA_MAX": "1"})
        self.host.written += [r.stdout.decode(errors="replace"), r.stderr.decode(errors="replace")]
        self.assertEqual(r.returncode, 0, r.stdout[-2000:] + r.stderr[-2000:])
        return json.loads(r.stdout)["structuredContent"]

    def test_parsed_from_a_file(self):
        path = os.path.join(self.host.dir, "huge.eml")
        whole, inner = self.message(path)
        (message,) = self.small("email_parse", {"paths": [path]})["messages"]
        self.assertEqual((message["subject"], message["text"].strip(), message["size"]), ("groß", "see the file", os.path.getsize(path)))
        (attachment,) = message["attachments"]
        self.assertEqual((attachment["filename"], attachment["size"]), ("film.bin", LINES * 57))
        self.assertEqual([f for f in os.listdir(os.path.join(self.host.home, "blobs"))], [], "the copy that was mapped is gone")

    def test_fetched_into_blobs_and_parsed_from_one(self):
        home = os.path.join(self.rig.dir, "mail", "me@rig.test")
        owner = pwd.getpwnam("vmail")
        folders = [home] + [os.path.join(home, "Maildir", sub) for sub in ("", "cur", "new", "tmp")]
        for folder in folders:
            os.makedirs(folder, mode=0o700, exist_ok=True)
            os.chown(folder, owner.pw_uid, owner.pw_gid)
        path = os.path.join(home, "Maildir", "cur", "1790000000.M1P1.huge:2,")
        whole, inner = self.message(path)
        os.chown(path, owner.pw_uid, owner.pw_gid)
        self.host.add_credential(self.rig.record("me", "me@rig.test"), self.rig.password)
        which = {"credential_id": "me", "uid": 1}
        attachment = self.small("email_attachment", {**which, "part": "2"})["attachment"]
        self.assertEqual((attachment["filename"], attachment["size"], attachment["sha256"]), ("film.bin", LINES * 57, inner))
        raw = self.small("email_fetch", {**which, "format": "raw"})
        self.assertEqual(raw["raw"]["sha256"], whole)
        (message,) = self.small("email_parse", {"blobs": [raw["raw"]["blob"]]})["messages"]
        self.assertEqual((message["subject"], message["attachments"][0]["size"]), ("groß", LINES * 57))
        # Its text goes into the knowledge base.
        self.assertEqual(self.small("documents_ingest", {"path": path, "mime_type": "message/rfc822"})["kind"], "eml")
        (found,) = self.host.json("kb", "search", "see the file")["results"]
        self.assertIn("see the file", found["snippet"])

    def test_a_long_text_is_ingested(self):
        """What a message of 150 MB can bring at most: 109 MB of text, all of it to be found."""
        path = os.path.join(self.host.dir, "list.txt")
        size = 0
        with open(path, "w") as f:
            for block in range(240):
                size += f.write("".join(f"article {block}x{i % 97} costs {i % 53}.50, which has not changed since last year\n" for i in range(7_300)))
            size += f.write("and the very last line of it all\n")
        self.assertGreater(size, 109_000_000)
        put = self.small("documents_ingest", {"path": path})
        self.assertEqual((put["kind"], put["bytes"]), ("text", size))
        self.assertEqual(len(self.host.json("kb", "search", "very last line")["results"]), 1)
        self.assertGreaterEqual(len(self.host.json("kb", "search", "239x96")["results"]), 1)


if __name__ == "__main__":
    main()
