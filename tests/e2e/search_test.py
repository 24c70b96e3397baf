#!/usr/bin/env python3
"""email_search: on the rig's server, and on a scripted one that ignores what is asked, or goes wrong."""
import json
import os
import sys
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import Host, RigTest, main
from imap_script import ImapScript, message


class Searching:
    def search(self, **args):
        return self.host.call("email_search", {"credential_id": "me", **args})

    def subjects(self, **args):
        return [m["subject"] for m in self.search(**args)["messages"]]

    def refused(self, tool="email_search", **args):
        r = self.host.run("call", tool, json.dumps({"credential_id": "me", **args}), "--json")
        self.assertNotEqual(r.returncode, 0, r.stdout)
        return json.loads(r.stdout)["structuredContent"]["error"]

    def pages(self, between=lambda n: None, **args):
        """All pages' subjects; between(n) runs behind the n-th."""
        found, cursor, n = [], {}, 0
        while True:
            page = self.search(**args, **cursor)
            found.append([m["subject"] for m in page["messages"]])
            n += 1
            if "cursor" not in page:
                return found
            self.assertLess(n, 50)
            between(n)
            cursor = {"cursor": page["cursor"]}


class OnTheRig(Searching, RigTest):
    def setUp(self):
        super().setUp()
        self.me = f"{self._testMethodName}@rig.test"
        self.host.add_credential(self.rig.record("me", self.me), self.rig.password)
        self.imap = self.rig.imap(self.me)
        self.addCleanup(self.imap.logout)

    def put(self, subject, n=0, flags="", date='"01-Nov-2026 10:00:00 +0000"', **fields):
        status, said = self.imap.append("INBOX", flags, date, message(subject, n, **fields))
        self.assertEqual(status, "OK", said)

    def test_every_filter(self):
        attached = dict(MIME_Version="1.0", Content_Type='multipart/mixed; boundary="b"', text="--b\r\n\r\nSee.\r\n--b\r\nContent-Type: "
                        'application/pdf; name="a.pdf"\r\nContent-Disposition: attachment\r\n\r\nJVBERi0=\r\n--b--\r\n')
        self.put("Größe der Lieferung", sender="=?utf-8?Q?J=C3=B6rg?= <joerg@supplier.example>", flags="(\\Seen)",
                 date='"02-Nov-2026 22:30:00 +0000"', Subject="=?utf-8?Q?Gr=C3=B6=C3=9Fe_der_Lieferung?=")
        self.put("with file", 1, flags="(\\Flagged $Invoice)", Cc="Carl <carl@rig.test>", List_Id="<l.rig.test>", **attached)
        self.put("answered", 2, flags="(\\Answered \\Seen)", text="a needle in the text\r\n" + "x" * 5000, date='"03-Nov-2026 01:30:00 +0200"')
        self.put("marked", 3, flags="(\\Deleted)")
        every = ["answered", "with file", "Größe der Lieferung"]
        self.assertEqual(self.subjects(), every)
        self.assertEqual(self.subjects(deleted=True), ["marked", *every])
        for wanted, filters in ((["Größe der Lieferung"], dict(subject="größe")), (["Größe der Lieferung"], {"from": "JÖRG"}),
                                (["Größe der Lieferung"], {"from": "supplier.example", "seen": True}), (["with file"], dict(seen=False)),
                                (["with file"], dict(flagged=True)), (["with file"], dict(keyword=["$Invoice"])),
                                (every[::2], dict(without_keyword=["$Invoice"])), (["with file"], dict(cc="carl")),
                                (["with file"], dict(headers=[{"name": "List-Id", "contains": "l.rig"}])),
                                (["with file"], dict(headers=[{"name": "List-Id"}])), (["with file"], dict(has_attachment=True)),
                                (every[::2], dict(has_attachment=False)), (["answered"], dict(answered=True)), (["answered"], dict(body="needle")),
                                (["answered"], dict(text="NEEDLE")), (["answered"], dict(larger=5000)), (every[1:], dict(smaller=5000)),
                                (every, dict(to="me@rig.test")), ([], dict(bcc="nobody")), ([], dict(draft=True)),
                                (["answered"], dict(thread="<answered.2@rig.test>")),
                                # 22:30 UTC is the third of November in Kyiv, the second in New York; and 23:30 UTC both in Kyiv's third.
                                (["answered", "Größe der Lieferung"], dict(since="2026-11-03", time_zone="Europe/Kyiv")),
                                (["with file"], dict(before="2026-11-03", time_zone="Europe/Kyiv")),
                                ([], dict(since="2026-11-03", time_zone="America/New_York")),
                                (["answered"], dict(since="2026-11-02T23:00:00Z")), (["answered"], dict(since="2026-11-03", time_zone="+00:30"))):
            self.assertEqual(self.subjects(**filters), wanted, filters)
        page = self.search(has_attachment=True)
        [m] = page["messages"]
        self.assertEqual((m["has_attachment"], m["attachment_count"], m["untrusted"], m["received"]), (True, 1, True, "2026-11-01T10:00:00Z"))
        self.assertLessEqual({"\\Flagged", "$Invoice"}, set(m["flags"]))
        self.assertNotIn("text", m)
        self.assertEqual(self.refused(gmail_raw="has:attachment")["code"], "unsupported")
        self.assertEqual(self.refused(mailbox="nowhere")["code"], "not_found")
        self.assertIn("time_zone", self.refused(since="2026-11-03", time_zone="Mars/Olympus")["where"])
        self.assertIn("since", self.refused(since="2026-02-30")["where"])
        self.assertEqual(self.imap.select("INBOX", readonly=True)[0], "OK")
        flags = self.imap.uid("FETCH", "2", "(FLAGS)")[1][0].decode()
        self.assertNotIn("Seen", flags)  # nobody read it

    def test_pages_do_not_shift(self):
        for n in range(7):
            self.put(f"s{n}", n, Date=f"Sun, 0{7 - n} Nov 2026 10:00:00 +0000", text="x" * (100 * (n * 3 % 7)))
        newest = [[f"s{n}" for n in pair] for pair in ((6, 5), (4, 3), (2, 1), (0,))]

        def arrive(n):
            self.put(f"late{n}", 100 + n, Date="Sun, 04 Nov 2026 10:00:00 +0000", text="x" * 350)

        self.assertEqual(self.pages(arrive, limit=2), newest)
        self.imap.select("INBOX")
        self.imap.uid("STORE", "8:*", "+FLAGS", "(\\Deleted)")
        self.imap.expunge()
        self.assertEqual(self.pages(arrive, limit=2, sort="date_newest"), [["s0", "s1"], ["s2", "s3"], ["s4", "s5"], ["s6"]])
        self.imap.uid("STORE", "8:*", "+FLAGS", "(\\Deleted)")
        self.imap.expunge()
        by_size = sorted(range(7), key=lambda n: n * 3 % 7)
        self.assertEqual(self.pages(arrive, limit=3, sort="smallest"), [[f"s{n}" for n in by_size[i:i + 3]] for i in (0, 3, 6)])
        self.imap.uid("STORE", "8:*", "+FLAGS", "(\\Deleted)")
        self.imap.expunge()

        def away(n):  # each page's messages leave before the next is asked for
            uids = [str(7 - by_date) for by_date in range(2 * n - 2, 2 * n)]
            self.imap.uid("STORE", ",".join(uids), "+FLAGS", "(\\Seen)" if n % 2 else "(\\Deleted)")
            self.imap.expunge()
        self.assertEqual(self.pages(away, limit=2, sort="date_oldest", seen=False), [["s6", "s5"], ["s4", "s3"], ["s2", "s1"], ["s0"]])


class OnAScript(Searching, unittest.TestCase):
    def server(self, capabilities="IMAP4rev1", fault=None, n=5):
        self.script = ImapScript(capabilities, fault)
        self.addCleanup(self.script.close)
        self.host = Host()
        self.addCleanup(self.host.close)
        self.host.add_credential(self.script.record(), "planted-password")
        self.inbox = self.script.boxes["INBOX"]
        for i in range(n):
            self.inbox.add(message(f"s{i}", i, sender=f"p{i % 2} <p{i % 2}@x.test>", text="x" * i * 10), ["\\Seen"] if i % 2 else [],
                           date=f"0{i % 9 + 1}-Nov-2026 10:00:00 +0000")

    def test_a_server_that_ignores_criteria_is_checked(self):
        self.server()
        for wanted, filters in ((["s3", "s1"], {"from": "P1@X"}), (["s2"], dict(subject="s2")), (["s3", "s1"], dict(seen=True)),
                                ([], dict(flagged=True)), (["s4", "s3"], dict(since="2026-11-04", time_zone="Z")), ([], dict(keyword=["a"])),
                                ([], dict(cc="x")), (["s2"], dict(thread="s2.2@rig.test"))):
            page = self.search(**filters)
            self.assertEqual([m["subject"] for m in page["messages"]], wanted, filters)
            self.assertIn(f"{5 - len(wanted)} of the messages", page["notice"])
        # Sorted without SORT, pages of one.
        self.assertEqual(self.pages(limit=1, sort="largest", seen=True), [["s3"], ["s1"], []])

    def test_one_message_that_the_server_refuses_hides_no_other(self):
        def fault(c, tag, verb, rest):
            if verb != "UID FETCH" or not any(m.uid == 3 for m in c.box.of(rest.split()[0])):
                return False
            for m in c.box.of(rest.split()[0]):
                if m.uid < 3:
                    c.say(c.row(m, rest))
            c.say(f"{tag} NO this message is broken")
            return True
        self.server(fault=fault)
        page = self.search()
        self.assertEqual([m["subject"] for m in page["messages"]], ["s4", "s3", "s1", "s0"])
        [bad] = page["unreadable"]
        self.assertEqual((bad["uid"], bad["error"]["where"], bad["error"]["server_said"]), (3, "message UID 3", "this message is broken"))

    def test_rows_that_cannot_be_read_are_named(self):
        def fault(c, tag, verb, rest):
            if verb != "UID FETCH":
                return False
            for m in c.box.of(rest.split()[0]):
                row = c.row(m, rest)
                if m.uid == 2:
                    row = row.replace(b'"TEXT" "PLAIN"', b'"TEXT" (("x") 5)')  # the structure alone is broken
                if m.uid == 4:
                    row = b"* 4 FETCH (UID 4.0 FLAGS ()"  # not even whose it is can be said
                c.say(row)
            c.say(f"{tag} OK done")
            return True
        self.server(fault=fault)
        page = self.search()
        self.assertEqual([m["uid"] for m in page["messages"]] + [u["uid"] for u in page["unreadable"]], [5, 3, 2, 1, 4])

    def test_words_that_the_server_cannot_search_are_looked_for_here(self):
        def fault(c, tag, verb, rest):
            if verb != "UID SEARCH" or "UTF-8" not in rest:
                return False
            c.say(f"{tag} NO [BADCHARSET (US-ASCII)] no")
            return True
        self.server(fault=fault)
        self.inbox.add(message("Re: x", 9, text="die Größe\r\n"))
        page = self.search(body="GRÖSSE")
        self.assertEqual([m["subject"] for m in page["messages"]], ["Re: x"])
        self.assertIn("not ASCII", page["notice"])

    def test_what_is_asked_does_not_grow(self):
        self.server(n=9)
        self.pages(limit=1, seen=False)
        asked = [c for c in self.script.commands if c.startswith("UID SEARCH")]
        self.assertGreater(len(asked), 4)
        self.assertLess(max(map(len, asked)), 60, asked)

    def test_a_cursor_of_other_numbers_is_refused(self):
        self.server()
        cursor = self.search(limit=2)["cursor"]
        self.inbox.validity = 70
        error = self.refused(cursor=cursor)
        self.assertEqual(error["code"], "state")
        self.assertIn("without cursor", error["cure"])
        for bad in ("x", "newest:7:0:0:", "newest:7:5:0:zz", "newest:7:-1:0:", "oldest:7:99999999999:1:"):
            self.assertEqual(self.refused(cursor=bad)["code"], "invalid", bad)
        self.assertEqual(self.refused(cursor=cursor.replace("newest", "oldest"), sort="newest")["code"], "invalid")

    def test_gmail(self):
        self.server("IMAP4rev1 X-GM-EXT-1")
        self.search(gmail_raw='has:attachment in:"x"', thread="1266894439832287888")
        self.assertIn('X-GM-RAW "has:attachment in:\\"x\\""', self.script.commands[-3])
        self.assertIn("X-GM-THRID 1266894439832287888", self.script.commands[-3])


if __name__ == "__main__":
    main()
