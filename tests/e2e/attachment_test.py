#!/usr/bin/env python3
"""email_attachment and email_mailboxes: on the rig's server, and what a server without the luxuries gets asked."""
import base64
import email.header
import hashlib
import json
import os
import struct
import sys
import urllib.request

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from documents_files import docx
from harness import RigTest, main
from links_test import SECRET, Judge

BYTES = bytes(range(256)) * 3000
PARTS = [("text/plain", "see the files", {}),
         ("application/octet-stream", BYTES, {"filename": "a.bin"}),
         ("text/csv", "name;größe\n".encode("latin-1"), {"filename": "b.csv"}),
         ("text/html", b"<p>Hello <b>you</b><span style='display:none'>hidden words</span></p>", {"filename": "c.html"}),
         ("application/x-nobody", b"?", {"filename": "../../etc/pa\u202esswd"}),
         ("application/octet-stream", b"one", {"filename": "twin.txt"}),
         ("application/octet-stream", b"two", {"filename": "TWIN.TXT"}),
         ("text/calendar", b"BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nBEGIN:VEVENT\r\nUID:1\r\nSUMMARY:Lunch\r\nDTSTART:20261123T100000Z\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n", {"filename": "d.ics"}),
         ("application/vnd.openxmlformats-officedocument.wordprocessingml.document", docx("<w:p><w:r><w:t>the offer</w:t></w:r></w:p>" * 9000),
          {"filename": "e.docx"})]


def message_with_files():
    out = ["From: Ann <ann@rig.test>", "To: me@rig.test", "Subject: files", "Message-ID: <files@rig.test>", "MIME-Version: 1.0",
           'Content-Type: multipart/mixed; boundary="b"', ""]
    for kind, content, options in PARTS:
        data = content.encode() if isinstance(content, str) else content
        charset = '; charset="iso-8859-1"' if kind == "text/csv" else ""
        out += ["--b", f"Content-Type: {kind}{charset}", "Content-Transfer-Encoding: base64"]
        if options:
            name = options["filename"]
            coded = f'"{name}"' if name.isascii() else f'"{email.header.Header(name, "utf-8").encode()}"'
            out.append(f"Content-Disposition: attachment; filename={coded}")
        out += ["", base64.encodebytes(data).decode().replace("\n", "\r\n").rstrip()]
    out += ["--b", "Content-Type: message/rfc822", "Content-Disposition: attachment", "", "From: Cy <cy@x.test>", "Subject: within", "", "the inner text", "--b--", ""]
    return "\r\n".join(out).encode()


def winmail(*files):
    """A TNEF file (MS-OXTNEF §2.1) with a body and these (name, bytes)."""
    def attribute(level, key, data):
        return struct.pack("<BII", level, key, len(data)) + data + struct.pack("<H", sum(data) & 0xffff)
    out = struct.pack("<IH", 0x223E9F78, 1) + attribute(1, 0x00069007, struct.pack("<II", 1252, 0)) + attribute(1, 0x0002800C, b"words of winmail\0")
    for name, data in files:
        out += attribute(2, 0x00069002, bytes(14)) + attribute(2, 0x00018010, name + b"\0") + attribute(2, 0x0006800F, data)
    return out


def nested_message():
    tnef = base64.encodebytes(winmail((b"note.txt", b"a note"), (b"..\\evil.bin", b"\0\1\2"))).decode().replace("\n", "\r\n").rstrip()
    return "\r\n".join([
        "From: Ann <ann@rig.test>", "Subject: nested", "MIME-Version: 1.0", 'Content-Type: multipart/mixed; boundary="o"', "",
        "--o", "Content-Type: application/ms-tnef; name=winmail.dat", "Content-Transfer-Encoding: base64", "", tnef,
        "--o", "Content-Type: message/rfc822", "", "Subject: within", 'Content-Type: multipart/mixed; boundary="i"', "",
        "--i", "", "the inner text", "--i", "Content-Type: application/x; name=deep.bin", "Content-Transfer-Encoding: base64", "", "3q2+7w==", "--i--",
        "--o--", ""]).encode()


class Attachments(RigTest):
    def setUp(self):
        super().setUp()
        self.me = f"{self._testMethodName}@rig.test"
        self.add()
        self.imap = self.rig.imap(self.me)
        self.addCleanup(self.imap.logout)

    def add(self, **more):
        self.host.add_credential(self.rig.record("me", self.me, **more), self.rig.password)

    def put(self):
        self.assertEqual(self.imap.append("INBOX", "", None, message_with_files())[0], "OK")

    def get(self, **args):
        return self.host.call("email_attachment", {"credential_id": "me", "uid": 1, **args})["attachment"]

    def refused(self, tool="email_attachment", **args):
        r = self.host.run("call", tool, json.dumps({"credential_id": "me", **args}), "--json")
        self.assertNotEqual(r.returncode, 0, r.stdout)
        return json.loads(r.stdout)["structuredContent"]["error"]

    def test_blob_and_text(self):
        self.put()
        blob = self.get(part="2")
        self.assertEqual((blob["filename"], blob["size"], blob["sha256"]), ("a.bin", len(BYTES), hashlib.sha256(BYTES).hexdigest()))
        self.assertEqual(self.get(filename="A.BIN")["part"], "2")
        self.assertEqual(self.get(filename="b.csv", **{"as": "text"})["text"], "name;größe\n")
        html = self.get(part="4", **{"as": "text"})
        self.assertEqual(html["text"].strip(), "Hello you")
        self.assertTrue(html["warnings"])
        calendar = self.get(filename="d.ics", **{"as": "text"})
        self.assertIn("BEGIN:VCALENDAR", calendar["text"])
        self.assertEqual(calendar["calendar"][0]["summary"], "Lunch")
        inner = self.get(part="10", **{"as": "text"})["text"]
        self.assertIn("Subject: within", inner)
        self.assertIn("the inner text", inner)
        self.assertEqual(self.get(part="1", **{"as": "text"})["text"].strip(), "see the files")
        # Another module reads it, and its text comes in pieces.
        text, offset, total = "", 0, 1
        while offset < total:
            piece = self.get(filename="e.docx", text_offset=offset, **{"as": "text"})
            self.assertEqual(piece["extractor"], "documents")
            text += piece["text"]
            offset, total = len(text.encode()), piece["text_size"]
        self.assertEqual(text.split()[-18000:], ["the", "offer"] * 9000)  # before it, the mark of the page
        evil = self.get(part="5")
        self.assertNotIn("/", evil["filename"])
        self.assertNotIn("\u202e", evil["filename"])
        self.assertIn("etc", evil["original_filename"])
        error = self.refused(uid=1, part="5", **{"as": "text"})
        self.assertEqual((error["code"], error["where"]), ("unsupported", "aoh.extract/1"))
        self.assertIn("part 6", self.refused(uid=1, filename="twin.txt")["cure"])
        self.assertEqual(self.refused(uid=1, part="77")["code"], "not_found")
        self.assertEqual(self.refused(uid=1)["code"], "invalid")
        self.assertEqual(self.refused(uid=1, part="2", **{"as": "link"})["code"], "config")
        self.assertEqual(self.refused(uid=1, part="2", uid_validity=1)["code"], "state")
        self.imap.select("INBOX", readonly=True)
        self.assertNotIn(b"Seen", self.imap.uid("FETCH", "1", "(FLAGS)")[1][0])

    def test_parts_within_parts(self):
        self.assertEqual(self.imap.append("INBOX", "", None, nested_message())[0], "OK")
        message = self.host.call("email_fetch", {"credential_id": "me", "uid": 1})["message"]
        self.assertEqual(message["text"].strip(), "words of winmail")
        self.assertEqual([c["part"] for c in message["attachments"][0]["contents"]], ["1.tnef.1", "1.tnef.2"])
        note = self.get(part="1.tnef.1", **{"as": "text"})
        self.assertEqual((note["filename"], note["text"]), ("note.txt", "a note"))
        for part, data in (("1.tnef.1", b"a note"), ("1.tnef.2", b"\0\1\2"), ("2.2", b"\xde\xad\xbe\xef")):
            blob = self.get(part=part)
            self.assertEqual((blob["size"], blob["sha256"]), (len(data), hashlib.sha256(data).hexdigest()), part)
            self.assertFalse(set("/\\\\") & set(blob["filename"]))
        self.assertEqual(self.get(part="2.1", **{"as": "text"})["text"].strip(), "the inner text")
        for part in ("0", "3", "-1", "1.0", "1.tnef.3", "1.tnef.0", "1.tnef", "1.tnef.1.1", "2.3", "2.2.1", "2.", "2..1", "TEXT", "1.MIME", "1] BODY[", "1.2.3.4.5.6.7.8.9", "9" * 60):
            error = self.refused(uid=1, part=part)
            self.assertEqual((error["code"], bool(error["where"]), bool(error["cure"])), ("not_found", True, True), part)

    def test_link(self):
        judge = Judge()
        self.addCleanup(judge.stop)
        self.host.write("secret.secret", SECRET + "\n")
        store = {"id": "files", "type": "s3", "endpoint": f"http://localhost:{judge.port}", "bucket": "mails", "access_key": "AKTEST", "require_tls": False}
        self.host.ok("credential", "add", "--file", self.host.write("files.json", json.dumps(store)), "--secret-file", f"secret_key={self.host.dir}/secret.secret")
        self.add(link_store="files")
        self.put()
        link = self.get(part="2", lifetime_s=600, **{"as": "link"})["link"]
        with urllib.request.urlopen(link["url"]) as r:
            self.assertEqual(hashlib.sha256(r.read()).hexdigest(), hashlib.sha256(BYTES).hexdigest())
        self.host.ok("links", "revoke", link["id"])

    def boxes(self, **args):
        return {m["name"]: m for m in self.host.call("email_mailboxes", {"credential_id": "me", **args})["mailboxes"]}

    def test_mailboxes(self):
        self.put()
        self.assertEqual(self.boxes(action="create", mailbox="Größe & Maß")["Größe & Maß"]["messages"], 0)
        self.assertIn(b"Gr&APYA3w-e &- Ma&AN8-", b" ".join(self.imap.list()[1]))
        self.boxes(action="rename", mailbox="Größe & Maß", new_name="Größe/unten")
        listed = self.boxes(counts=True)
        self.assertEqual((listed["INBOX"]["messages"], listed["INBOX"]["unseen"], listed["Größe/unten"]["messages"]), (1, 1, 0))
        self.assertEqual(listed["Drafts"]["special_use"], "drafts")
        self.assertEqual(list(self.boxes(pattern="Größe*")), [n for n in listed if n.startswith("Größe")])
        delete = dict(tool="email_mailboxes", action="delete")
        self.imap.append('"Gr&APYA3w-e/unten"', "", None, b"Subject: x\r\n\r\nx\r\n")
        for code, args in (("invalid", dict(mailbox="Größe/unten")), ("state", dict(mailbox="Größe/unten", confirm="Größe/unten")),
                           ("refused", dict(mailbox="inbox", confirm="inbox")), ("refused", dict(mailbox="Drafts", confirm="Drafts")),
                           ("not_found", dict(mailbox="nowhere", confirm="nowhere"))):
            self.assertEqual(self.refused(**delete, **args)["code"], code, args)
        self.assertEqual(self.refused(tool="email_mailboxes", action="rename", mailbox="INBOX", new_name="x")["code"], "refused")
        self.host.call("email_update", {"credential_id": "me", "mailbox": "Größe/unten", "uids": [1], "uid_validity": self.boxes(action="status", mailbox="Größe/unten")
                                        ["Größe/unten"]["uid_validity"], "delete": True, "permanent": True})
        self.boxes(action="delete", mailbox="Größe/unten", confirm="Größe/unten")
        self.assertNotIn("Größe/unten", self.boxes())


if __name__ == "__main__":
    main()
