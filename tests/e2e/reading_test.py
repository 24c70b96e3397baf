#!/usr/bin/env python3
"""email_fetch of several messages, and email_thread: on the rig's server, and on scripted ones that go wrong."""
import base64
import json
import os
import shlex
import sys
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from documents_files import pdf
from harness import SOURCE, Host, RigTest, main
from imap_script import ImapScript, message


class Reading:
    def fetch(self, **args):
        return self.host.call("email_fetch", {"credential_id": "me", **args})

    def thread(self, **args):
        return self.host.call("email_thread", {"credential_id": "me", **args})

    def refused(self, tool, **args):
        r = self.host.run("call", tool, json.dumps({"credential_id": "me", **args}), "--json")
        self.assertNotEqual(r.returncode, 0, r.stdout)
        return json.loads(r.stdout)["structuredContent"]


class OnTheRig(Reading, RigTest):
    def setUp(self):
        super().setUp()
        self.me = f"{self._testMethodName}@rig.test"
        self.host.add_credential(self.rig.record("me", self.me), self.rig.password)
        self.imap = self.rig.imap(self.me)
        self.addCleanup(self.imap.logout)

    def put(self, subject, n=0, box="INBOX", flags="", **fields):
        status, said = self.imap.append(box, flags, f'"{n % 27 + 1:02}-Nov-2026 10:00:00 +0000"', message(subject, n, **fields))
        self.assertEqual(status, "OK", said)

    def seen(self):
        self.imap.select("INBOX", readonly=True)
        return [b"\\Seen" in row for row in self.imap.uid("FETCH", "1:*", "(FLAGS)")[1]]

    def test_several_at_once(self):
        quoting = "Yes.\r\n\r\nOn 1 Nov 2026, Ann wrote:\r\n> a\r\n> b\r\n> c\r\n"
        self.put("one", 0, text=quoting)
        self.put("two", 1, text="long line\r\n" * 20_000)
        self.put("Re: three", 2, In_Reply_To="<one.0@rig.test>")
        answer = self.fetch(uids=[2, 1, 9, 3], fold_quotes=True)
        two, one, three = answer["messages"]
        self.assertEqual((one["text"].strip(), one["quoted_lines_folded"]), ("Yes.\n\n[4 quoted lines]", 4))
        self.assertEqual((two["uid"], two["truncated"]["text"]["shown"], three["in_reply_to"]), (2, 65536, "one.0@rig.test"))
        self.assertEqual([(u["uid"], u["error"]["code"]) for u in answer["unreadable"]], [(9, "not_found")])
        self.assertIn("UID 2", answer["notice"])
        self.assertEqual(self.fetch(uid=1)["message"]["text"].replace("\r", ""), quoting.replace("\r", ""))
        # Read on, piece by piece, to the very end.
        text, offset = "", 0
        while True:
            piece = self.fetch(uid=2, text_offset=offset)["message"]
            text += piece["text"]
            if offset + len(piece["text"]) >= 200_000:
                break
            offset += len(piece["text"])
        self.assertEqual(text, "long line\n" * 20_000)
        self.assertEqual(self.seen(), [False] * 3)
        marked = self.fetch(uids=[1, 3], mark_seen=True, format="summary")["messages"]
        self.assertTrue(all("\\Seen" in m["flags"] and "text" not in m for m in marked))
        self.assertEqual(self.seen(), [True, False, True])
        self.assertEqual(self.refused("email_fetch", uids=[7, 8])["error"]["code"], "not_found")
        self.assertEqual(self.refused("email_fetch", uids=[1], uid=1)["error"]["code"], "invalid")
        self.assertEqual(self.refused("email_fetch", uids=[1], uid_validity=1)["error"]["code"], "state")
        # Numbered anew: found again by the Message-ID, unless a second one carries it, which a stranger may have sent.
        self.assertEqual(self.refused("email_fetch", uid=1, uid_validity=1)["error"]["code"], "state")
        self.put("Renumbered", 1, Message_ID="<again@x>")
        [there] = self.host.call("email_search", {"credential_id": "me", "subject": "Renumbered"})["messages"]
        again = dict(uid=9999, uid_validity=1, message_id="<again@x>")
        self.assertEqual(self.fetch(**again)["message"]["uid"], there["uid"])
        self.put("Forged", 1, Message_ID="<again@x>")
        error = self.refused("email_fetch", **again)["error"]
        self.assertEqual(error["code"], "state")
        self.assertIn("2 messages carry its Message-ID", error["what"])

    def test_raw(self):
        self.put("small")
        self.put("large", 1, text="x" * 70 + "\r\n")
        self.put("larger", 2, text="0123456789\r\n" * 5_000)
        raw = self.fetch(uid=1, format="raw")["raw"]
        self.assertEqual(raw["text"].encode(), message("small"))
        self.assertEqual(raw["size"], len(message("small")))
        both = self.fetch(uids=[2, 3], format="raw")["messages"]
        self.assertIn("text", both[0]["raw"])
        self.assertNotIn("text", both[1]["raw"])
        self.assertEqual(both[1]["raw"]["size"], both[1]["size"])

    def test_a_conversation_over_inbox_and_sent(self):
        self.imap.create("Sent")
        ids = [f"<Plan.{n}@rig.test>" for n in range(9)]
        quoted = "\r\n\r\nOn 1 Nov 2026, Ann wrote:\r\n> a\r\n> b\r\n> c\r\n"
        self.put("Plan", 0)
        self.put("Re: Plan", 1, box="Sent", Message_ID=ids[1], In_Reply_To=ids[0], References=ids[0], sender="me@rig.test", To="ann@rig.test", text="mine" + quoted)
        self.put("Re: Plan", 3, Message_ID=ids[3], References=f"{ids[0]} {ids[2]}", text="third" + quoted)
        self.put("changed (was: Plan)", 4, Message_ID=ids[4], In_Reply_To=ids[3], References=f"{ids[2]} {ids[3]}")
        self.put("Plan", 5)  # a stranger's of the same name
        self.put("Re: Plan", 6, Message_ID=ids[6], sender="Mallory <m@evil.test>", text="answer me")
        self.put("Re: Plan", 7, Message_ID=ids[7], text="written by a program that names nobody")
        self.put("Plan", 0, box="Sent")  # the same message twice
        whole = self.thread(uid=1)
        self.assertEqual([m["message_id"] for m in whole["messages"]], [i.strip("<>") for i in (ids[0], ids[1], ids[3], ids[4], ids[7])])
        self.assertEqual([m["mailbox"] for m in whole["messages"]], ["INBOX", "Sent", "INBOX", "INBOX", "INBOX"])
        self.assertEqual(whole["messages"][1]["text"].strip(), "mine\n\n[4 quoted lines]")
        self.assertEqual((whole["total"], whole["mailboxes"]), (5, ["INBOX", "Sent"]))
        for other in (dict(uid=2), dict(message_id=ids[1]), dict(thread=ids[0]), dict(mailbox="Sent", uid=1)):
            same = self.thread(format="summary", **other)
            self.assertEqual([m["message_id"] for m in same["messages"]], [m["message_id"] for m in whole["messages"]], other)
        part = self.thread(uid=1, offset=1, limit=2, fold_quotes=False)
        self.assertEqual([m["message_id"] for m in part["messages"]], [ids[1].strip("<>"), ids[3].strip("<>")])
        self.assertIn("> b", part["messages"][0]["text"])
        self.assertIn("offset 3", part["notice"])
        self.assertEqual(self.refused("email_thread", message_id="<nobody@x>")["error"]["code"], "not_found")
        self.assertEqual(self.seen(), [False] * 6)


    def test_the_page_runs_as_printed(self):
        offer = base64.encodebytes(pdf(["the offer"])).decode().replace("\n", "\r\n")
        self.put("Offer", 1, sender="sales@supplier.example", MIME_Version="1.0", Content_Type='multipart/mixed; boundary="b"',
                 text="--b\r\n\r\nSee.\r\n--b\r\nContent-Type: application/pdf\r\nContent-Disposition: attachment; filename=offer.pdf\r\n"
                 f"Content-Transfer-Encoding: base64\r\n\r\n{offer}\r\n--b--\r\n")
        self.put("Another", 2)
        for name in ("Sent", "Trash"):
            self.imap.create(name)
        self.imap.select("INBOX", readonly=True)
        validity = int(self.imap.response("UIDVALIDITY")[1][0])
        with open(os.path.join(SOURCE, "docs", "reading.md")) as f:
            commands = [line.strip() for line in f if line.startswith("host-stub ")]
        self.assertGreater(len(commands), 9)
        for command in commands:
            said = self.host.ok(*shlex.split(command.replace('"uid_validity": 1', f'"uid_validity": {validity}'))[1:])
            if "offer.pdf" in command:
                self.assertIn("the offer", said)
        self.assertEqual(self.imap.select("Done")[1], [b"1"])


class OnAScript(Reading, unittest.TestCase):
    def server(self, capabilities="IMAP4rev1", fault=None):
        self.script = ImapScript(capabilities, fault)
        self.addCleanup(self.script.close)
        self.host = Host()
        self.addCleanup(self.host.close)
        self.host.add_credential(self.script.record(), "planted-password")
        for n, subject in enumerate(("Plan", "Re: Plan", "Re: Plan", "Other")):
            self.script.boxes["INBOX"].add(message(subject, n, References="<Plan.0@rig.test>" if n in (1, 2) else f"<z{n}@z>"))

    def test_a_server_that_finds_everything_joins_nothing(self):
        self.server()  # it answers each search with all that it has
        self.assertEqual([m["uid"] for m in self.thread(uid=1)["messages"]], [1, 2, 3])
        self.assertEqual([m["uid"] for m in self.thread(uid=4)["messages"]], [4])

    def test_one_broken_message_hides_no_other(self):
        def fault(c, tag, verb, rest):
            if verb != "UID FETCH" or all(m.uid != 2 for m in c.box.of(rest.split()[0])):
                return False
            c.say(f"{tag} NO broken")
            return True
        self.server(fault=fault)
        answer = self.thread(uid=1)
        self.assertEqual(([m["uid"] for m in answer["messages"]], answer["unreadable"][0]["uid"]), ([1, 3], 2))
        answer = self.fetch(uids=[1, 2, 3])
        self.assertEqual(([m["uid"] for m in answer["messages"]], answer["unreadable"][0]["uid"]), ([1, 3], 2))

    def test_threads_that_the_server_knows(self):
        def fault(c, tag, verb, rest):
            if verb == "UID SEARCH" and "THREADID" in rest:
                c.say(f"* SEARCH {'1 4' if c.box is self.script.boxes['INBOX'] else ''}".rstrip())
                c.say(f"{tag} OK done")
                return True
            if verb == "UID FETCH":
                for m in c.box.of(rest.split()[0]):
                    c.say(c.row(m, rest)[:-1] + f" EMAILID (M{m.uid}) THREADID ({'T1' if m.uid in (1, 4) else 'T2'}))".encode())
                c.say(f"{tag} OK done")
                return True
            return False
        self.server("IMAP4rev1 OBJECTID", fault)
        answer = self.thread(uid=4)
        self.assertEqual([m["uid"] for m in answer["messages"]], [1, 4])
        self.assertEqual({m["thread_id"] for m in answer["messages"]}, {"T1"})
        self.assertEqual(self.thread(thread="T1")["total"], 2)


if __name__ == "__main__":
    main()
