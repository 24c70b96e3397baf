"""Drafts in the real Drafts mailbox, what is sent of them, forwards and replies: on a real Dovecot and Postfix."""
import base64
import email
import email.policy
import imaplib
import os
import ssl
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import harness
from harness import RigTest


def parsed(path):
    with open(path, "rb") as f:
        raw = f.read()
    return raw, email.message_from_bytes(raw, policy=email.policy.default)


class Drafts(RigTest):
    def setUp(self):
        super().setUp()
        self.me = f"{self._testMethodName}@rig.test"
        self.host.add_credential(self.rig.record("me", self.me), self.rig.password)
        context = ssl.create_default_context(cafile=self.rig.info["ca_file"])
        self.imap = imaplib.IMAP4_SSL(self.rig.info["host"], self.rig.info["imap_tls_port"], ssl_context=context)
        self.imap.login(self.me, self.rig.password)
        self.addCleanup(self.imap.logout)

    def draft(self, action, **args):
        return self.host.call("email_draft", {"credential_id": "me", "action": action, **args})

    def refused(self, tool, **args):
        import json
        r = self.host.run("call", tool, json.dumps({"credential_id": "me", **args}), "--json")
        self.assertNotEqual(r.returncode, 0, r.stdout)
        return json.loads(r.stdout)["structuredContent"]

    def lie(self, mailbox="Drafts"):
        """What lies in a mailbox as another mail program sees it: {uid: (flags, bytes)}."""
        self.assertEqual(self.imap.select(mailbox)[0], "OK")
        found = {}
        for row in self.imap.uid("FETCH", "1:*", "(FLAGS BODY.PEEK[])")[1]:
            if isinstance(row, tuple):
                head = row[0].decode()
                found[int(head.split("UID ")[1].split()[0])] = (head.split("FLAGS (")[1].split(")")[0].split(), row[1])
        return found

    def test_create_update_list_show_discard(self):
        made = self.draft("create", to="Ann <ann@rig.test>", bcc="hidden@rig.test", subject="Größe", text="one",
                          attachments=[{"filename": "a.txt", "mime_type": "text/plain", "base64": "aGk="}])
        place = made["draft"]
        self.assertEqual(place["mailbox"], "Drafts")
        [(uid, (flags, raw))] = self.lie().items()
        self.assertEqual(uid, place["uid"])
        self.assertLessEqual({"\\Draft", "\\Seen"}, set(flags))
        m = email.message_from_bytes(raw, policy=email.policy.default)
        self.assertEqual((m["Bcc"], m["Subject"], m["To"]), ("hidden@rig.test", "Größe", "Ann <ann@rig.test>"))

        new = self.draft("update", uid=place["uid"], uid_validity=place["uid_validity"], text="two", cc="carl@rig.test")
        self.assertEqual(new["removal"], "removed")
        self.assertNotEqual(new["draft"]["uid"], place["uid"])
        [(uid, (flags, raw))] = self.lie().items()
        self.assertEqual(uid, new["draft"]["uid"])
        m = email.message_from_bytes(raw, policy=email.policy.default)
        self.assertEqual((m["Bcc"], m["Cc"], m["Subject"]), ("hidden@rig.test", "carl@rig.test", "Größe"))
        self.assertEqual(m.get_body(("plain",)).get_content().strip(), "two")
        self.assertEqual([(a.get_filename(), a.get_content().strip()) for a in m.iter_attachments()], [("a.txt", "hi")])

        others = [self.draft("create", subject=f"n{i}")["draft"]["uid"] for i in range(3)]
        page = self.draft("list", limit=2)
        self.assertEqual([d["uid"] for d in page["drafts"]], [others[2], others[1]])
        self.assertEqual((page["total"], page["before_uid"]), (4, others[1]))
        rest = self.draft("list", limit=2, before_uid=page["before_uid"])
        self.assertEqual([d["uid"] for d in rest["drafts"]], [others[0], new["draft"]["uid"]])
        self.assertNotIn("before_uid", rest)
        at = {"uid": new["draft"]["uid"], "uid_validity": new["draft"]["uid_validity"]}
        shown = self.draft("show", **at)["message"]
        self.assertEqual((shown["text"].strip(), shown["bcc"][0]["address"]), ("two", "hidden@rig.test"))
        self.assertEqual(self.draft("discard", **at)["removal"], "removed")
        self.assertEqual(self.draft("discard", **at)["removal"], "gone")
        self.assertEqual(sorted(self.lie()), others)

    def test_the_same_key_stores_once(self):
        first = self.draft("create", subject="x", idempotency_key="k")
        again = self.draft("create", subject="x", idempotency_key="k")
        self.assertTrue(again["repeated"])
        self.assertEqual(again["draft"]["uid"], first["draft"]["uid"])
        self.assertEqual(len(self.lie()), 1)
        at = {"uid": first["draft"]["uid"], "uid_validity": first["draft"]["uid_validity"]}
        second = self.draft("update", text="y", idempotency_key="u", **at)
        repeated = self.draft("update", text="y", idempotency_key="u", **at)
        self.assertEqual(repeated["draft"]["uid"], second["draft"]["uid"])
        self.assertEqual(list(self.lie()), [second["draft"]["uid"]])

    def test_another_programs_edit_is_not_overwritten(self):
        place = self.draft("create", to="ann@rig.test", subject="mine", text="mine")["draft"]
        # A mail program edits: it puts the new version in and removes the old.
        [(_, (_, raw))] = self.lie().items()
        self.imap.append("Drafts", "\\Draft", None, raw.replace(b"mine", b"theirs"))
        self.imap.uid("STORE", str(place["uid"]), "+FLAGS", "(\\Deleted)")
        at = {"uid": place["uid"], "uid_validity": place["uid_validity"]}
        self.assertEqual(self.refused("email_draft", action="update", text="mine again", **at)["error"]["code"], "state")
        self.assertEqual(self.refused("email_draft", action="send", **at)["error"]["code"], "state")
        self.imap.expunge()
        self.assertEqual(self.refused("email_draft", action="update", text="mine again", **at)["error"]["code"], "state")
        [(uid, (_, raw))] = self.lie().items()
        self.assertIn(b"theirs", raw)
        wrong = dict(at, uid=uid, uid_validity=at["uid_validity"] + 1)
        self.assertEqual(self.refused("email_draft", action="discard", **wrong)["error"]["code"], "state")
        # What the other program wrote is what is sent.
        self.draft("send", uid=uid, uid_validity=at["uid_validity"])
        self.assertEqual(self.rig.maildir("ann@rig.test", wait=1)[-1]["subject"], "theirs")

    def test_send(self):
        names = {n: f"{n}.{self.me}" for n in ("to", "cc", "bcc")}
        self.rig.deliver(self.me, sender="Ann <ann@rig.test>", subject="Question", message_id="<q1@rig.test>", wait=10)
        place = self.draft("create", in_reply_to={"message_id": "q1@rig.test", "quote": True}, to=names["to"], cc=names["cc"],
                           bcc=names["bcc"], text="An answer.")["draft"]
        at = {"uid": place["uid"], "uid_validity": place["uid_validity"]}
        sent = self.draft("send", **at)
        self.assertEqual((sent["state"], sent["removal"]), ("sent", "removed"))
        self.assertEqual([(r["address"], r["accepted"]) for r in sent["recipients"]], [(a, True) for a in names.values()])
        self.assertEqual(self.lie(), {})
        for user in names.values():
            [got] = self.rig.maildir(user, wait=1)
            raw, m = parsed(got["file"])
            self.assertEqual((m["Subject"], m["In-Reply-To"], m["References"]), ("Re: Question", "<q1@rig.test>", "<q1@rig.test>"))
            self.assertNotEqual(m["Message-ID"], f"<{place['message_id']}>")
            self.assertEqual(m["Message-ID"], f"<{sent['message_id']}>")
            self.assertIsNone(m["Bcc"])
            # Postfix notes its own envelope recipient in what is delivered to it; nobody else's copy names the hidden one.
            if user != names["bcc"]:
                self.assertNotIn(names["bcc"].encode(), raw)
            self.assertIn("An answer.", got["body"])
            self.assertIn("Ann wrote:", got["body"])
        again = self.draft("send", **at)
        self.assertTrue(again["repeated"])
        self.assertEqual(len(self.rig.maildir(names["to"])), 1)

    def test_update_keeps_further_headers_and_labels_of_text_files(self):
        made = self.draft("create", to="ann@rig.test", subject="s", text="one", headers={"X-Ticket": "Größe 7", "X-Order": "1", "Precedence": "bulk"})
        # Another program puts a text file in, in a charset of its own.
        [(uid, (_, raw))] = self.lie().items()
        header, body = raw.split(b"\r\n\r\n", 1)
        kept, content = header.split(b"MIME-Version: 1.0\r\n")
        theirs = (kept + b"X-Mozilla-Draft-Info: internal\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n" +
                  content + b"\r\n\r\n" + body + b"\r\n--b\r\nContent-Type: text/csv; charset=iso-8859-15; name=n.csv\r\n"
                  b"Content-Disposition: attachment; filename=n.csv\r\nContent-Transfer-Encoding: 8bit\r\n\r\n\xa4;1\r\n--b--\r\n")
        self.imap.append("Drafts", "\\Draft", None, theirs)
        self.draft("discard", uid=uid, uid_validity=made["draft"]["uid_validity"])
        [uid] = self.lie()
        self.draft("update", uid=uid, uid_validity=made["draft"]["uid_validity"], text="two", headers={"x-order": "2"})
        [(_, (_, raw))] = self.lie().items()
        m = email.message_from_bytes(raw, policy=email.policy.default)
        self.assertEqual((m["X-Ticket"], m.get_all("X-Order"), m["X-Mozilla-Draft-Info"]), ("Größe 7", ["2"], None))
        [file] = m.iter_attachments()
        self.assertEqual((file.get_filename(), file.get_content_charset(), file.get_content().strip()), ("n.csv", "iso-8859-15", "€;1"))

    def test_a_draft_that_was_partly_refused(self):
        good = f"good.{self.me}"
        place = self.draft("create", to=f"{good}, refused@rig.test", subject="Half", text="x")["draft"]
        at = {"uid": place["uid"], "uid_validity": place["uid_validity"]}
        sent = self.draft("send", **at)
        self.assertEqual({r["address"]: r["accepted"] for r in sent["recipients"]}, {good: True, "refused@rig.test": False})
        self.assertEqual((sent["state"], sent["removal"]), ("sent", "removed"))
        self.assertIn("It did not go to refused@rig.test", sent["notice"])
        self.assertNotIn(good, sent["notice"])
        self.assertEqual(self.lie(), {})
        # Asked once more it tells the same, and sends nothing.
        again = self.draft("send", **at)
        self.assertTrue(again["repeated"])
        self.assertIn("refused@rig.test", again["notice"])
        self.assertEqual(len(self.rig.maildir(good, wait=1)), 1)

    def test_a_draft_that_all_refuse_stays(self):
        place = self.draft("create", to="refused@rig.test", subject="None", text="x")["draft"]
        error = self.refused("email_draft", action="send", uid=place["uid"], uid_validity=place["uid_validity"])
        self.assertIn("refused@rig.test", error["error"]["server_said"] + error["error"]["what"] + str(error["recipients"]))
        self.assertEqual(list(self.lie()), [place["uid"]])

    def test_from_must_be_ones_own(self):
        self.imap.append("Drafts", "\\Draft", None, b"From: ceo@rig.test\r\nTo: ann@rig.test\r\nSubject: x\r\n\r\nx\r\n")
        [d] = self.draft("list")["drafts"]
        error = self.refused("email_draft", action="send", uid=d["uid"], uid_validity=d["uid_validity"])["error"]
        self.assertEqual((error["code"], error["where"]), ("refused", "From"))
        self.assertEqual(len(self.lie()), 1)

    def test_forward_and_keep(self):
        data = bytes(range(256)) * 40
        original = (b"From: Ann <ann@rig.test>\r\nTo: " + self.me.encode() + b"\r\nSubject: WG: Offer\r\nMessage-ID: <o1@rig.test>\r\n"
                    b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nThe offer.\r\n"
                    b"--b\r\nContent-Type: application/pdf; name=\"offer.pdf\"\r\nContent-Disposition: attachment; filename=\"offer.pdf\"\r\n"
                    b"Content-Transfer-Encoding: base64\r\n\r\n" + base64.encodebytes(data).replace(b"\n", b"\r\n") +
                    b"--b\r\nContent-Type: text/csv\r\nContent-Disposition: attachment; filename=\"n.csv\"\r\n\r\n1,2\r\n--b--\r\n")
        self.imap.append("INBOX", None, None, original)

        def forward(**args):
            to = f"{len(self.host.written)}.{self.me}"
            self.host.call("email_forward", {"credential_id": "me", "message_id": "o1@rig.test", "to": to, **args})
            [got] = self.rig.maildir(to, wait=1)
            return parsed(got["file"])[1]
        m = forward(text="See below.", html="<p>See <b>below</b>.</p>")
        self.assertEqual((m["Subject"], m["References"], m["In-Reply-To"]), ("Fwd: Offer", "<o1@rig.test>", None))
        text = m.get_body(("plain",)).get_content()
        self.assertTrue(text.startswith("See below.\n\n---------- Forwarded message ----------\nFrom: Ann <ann@rig.test>\n"), text)
        self.assertIn("The offer.", text)
        self.assertIn("From: Ann &lt;ann@rig.test&gt;", m.get_body(("html",)).get_content())
        self.assertEqual([(a.get_filename(), a.get_payload(decode=True)) for a in m.iter_attachments()], [("offer.pdf", data), ("n.csv", b"1,2")])
        self.assertEqual([a.get_filename() for a in forward(attachments=["3"]).iter_attachments()], ["n.csv"])
        trace = os.path.join(self.host.dir, "trace")
        self.host.ok("call", "email_forward", '{"credential_id":"me","message_id":"o1@rig.test","to":"none@rig.test","attachments":"none"}', "--trace", trace)
        with open(trace, errors="replace") as f:
            self.assertNotIn("BODY.PEEK[2]", f.read())
        self.assertEqual(list(parsed(self.rig.maildir("none@rig.test", wait=1)[0]["file"])[1].iter_attachments()), [])

        m = forward(**{"as": "attachment"})
        [attached] = [a for a in m.iter_attachments()]
        self.assertEqual((attached.get_content_type(), attached.get_filename()), ("message/rfc822", "Offer.eml"))
        self.assertEqual(attached.get_content().as_bytes(policy=email.policy.SMTP), original)

        self.host.call("email_reply", {"credential_id": "me", "message_id": "o1@rig.test", "text": "Thanks.", "keep_attachments": ["2"],
                                       "to": f"kept.{self.me}"})
        m = parsed(self.rig.maildir(f"kept.{self.me}", wait=1)[0]["file"])[1]
        self.assertEqual([(a.get_filename(), a.get_payload(decode=True)) for a in m.iter_attachments()], [("offer.pdf", data)])
        error = self.refused("email_forward", message_id="o1@rig.test", to="x@rig.test", attachments=["9"])["error"]
        self.assertEqual(error["code"], "not_found")


if __name__ == "__main__":
    harness.main()
