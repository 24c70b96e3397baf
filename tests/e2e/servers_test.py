#!/usr/bin/env python3
"""Servers that do otherwise than the standards say, through the whole program."""
import json
import os
import sys
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import Host, main
from imap_script import ImapScript, message


class Servers(unittest.TestCase):
    def setUp(self):
        self.host = Host()
        self.addCleanup(self.host.close)

    def server(self, fault=None, capabilities="IMAP4rev1", subjects=("one", "two", "three"), **more):
        """A scripted server with the account `me`; `more` goes into its record."""
        server = ImapScript(capabilities, fault)
        self.addCleanup(server.close)
        for n, subject in enumerate(subjects):
            server.boxes["INBOX"].add(message(subject, n, text=f"The text of {subject}.\r\n"))
        self.host.add_credential(server.record(**more), "planted-password")
        return server

    def fetch(self, **args):
        return self.host.call("email_fetch", {"credential_id": "me", **args})["message"]

    def refused(self, tool, **args):
        r = self.host.run("call", tool, json.dumps({"credential_id": "me", **args}), "--json")
        self.assertNotEqual(r.returncode, 0, r.stdout)
        return json.loads(r.stdout)["structuredContent"]["error"]

    @staticmethod
    def unsafe_login(conn, tag, verb, rest):
        """NetEase: nobody gets in who has not said who he is, on this connection."""
        if verb == "ID":
            conn.known = True
            conn.say('* ID ("name" "Coremail")')
        if verb in ("SELECT", "EXAMINE") and not getattr(conn, "known", False):
            conn.say(f"{tag} NO {verb} Unsafe Login. Please contact kefu@188.com for help")
            return True
        return False

    def test_netease_is_told_who_we_are_on_every_connection(self):
        server = self.server(self.unsafe_login, "IMAP4rev1 ID", quirks=["id_after_sign_in"])
        for _ in range(2):
            self.assertIn("The text of two", self.fetch(uid=2)["text"])
        verbs = [c.split()[0] for c in server.commands]
        self.assertEqual(verbs.count("ID"), 2)
        self.assertLess(verbs.index("AUTHENTICATE"), verbs.index("ID"))
        self.assertLess(verbs.index("ID"), verbs.index("EXAMINE"))
        [said] = {c for c in server.commands if c.startswith("ID")}
        for word in ('"name" "Mailroom"', '"support-email" "me@rig.test"', '"vendor"', '"version"'):
            self.assertIn(word, said)

    def test_quirks_are_known_by_name(self):
        self.server(self.unsafe_login, "IMAP4rev1 ID", quirks=[])
        self.assertIn("Unsafe Login", self.refused("email_fetch", uid=2)["server_said"])
        self.server(quirks=["id_after_sing_in"])
        error = self.refused("email_fetch", uid=2)
        self.assertEqual(error["code"], "config")
        self.assertIn("id_after_sing_in", error["what"])

    def test_of_many_messages_the_one_that_is_refused_is_named(self):
        def fault(conn, tag, verb, rest):  # Yahoo
            if verb == "UID FETCH" and any(m.uid == 2 for m in conn.box.of(rest.split()[0])):
                conn.say(f"{tag} NO [UNAVAILABLE] UID FETCH Server error while fetching messages")
                return True
            return False
        self.server(fault)
        r = self.host.call("email_search", {"credential_id": "me"})
        self.assertEqual(sorted(m["subject"] for m in r["messages"]), ["one", "three"])
        self.assertIn("UID 2", json.dumps(r))
        self.assertEqual(self.refused("email_fetch", uid=2)["where"], "message UID 2")

    def test_a_message_whose_structure_cannot_be_read_is_read_all_the_same(self):
        server = self.server()  # mail.ru: further bodies behind the whole; sizes in scientific notation
        server.boxes["INBOX"].mails[1].given = '("TEXT" "PLAIN" NIL NIL NIL "8BIT" 17 1)(("TEXT" "HTML" NIL NIL NIL "7BIT" 168 0) "MIXED")'
        server.boxes["INBOX"].mails[2].given = '("TEXT" "PLAIN" NIL NIL NIL "8BIT" 1.9e+01 1)'
        self.assertIn("The text of two", self.fetch(uid=2)["text"])
        self.assertIn("The text of three", self.fetch(uid=3)["text"])

    def test_bye_again_and_again_is_one_error(self):
        def fault(conn, tag, verb, rest):  # Yandex
            if verb != "EXAMINE":
                return False
            for _ in range(5):
                conn.say("* BYE Autologout; idle for too long")
            return True
        self.server(fault)
        error = self.refused("email_fetch", uid=2)
        self.assertEqual((error["code"], error["server_said"]), ("bye", "Autologout; idle for too long"))

    def test_names_are_utf8_where_the_server_has_them_so(self):
        def fault(conn, tag, verb, rest):
            if verb == "ENABLE":
                conn.say("* ENABLED " + rest)
            return False
        server = self.server(fault, "IMAP4rev1 IMAP4rev2 ENABLE UTF8=ACCEPT")
        server.boxes["Entwürfe & mehr"] = server.boxes["INBOX"]
        names = [m["name"] for m in self.host.call("email_mailboxes", {"credential_id": "me", "action": "list"})["mailboxes"]]
        self.assertIn("Entwürfe & mehr", names)
        self.assertIn("The text of one", self.fetch(mailbox="Entwürfe & mehr", uid=1)["text"])
        self.assertIn('EXAMINE "Entwürfe & mehr"', server.commands)
        # The same server without: modified UTF-7.
        server = self.server()
        server.boxes["Entw&APw-rfe &- mehr"] = server.boxes["INBOX"]
        names = [m["name"] for m in self.host.call("email_mailboxes", {"credential_id": "me", "action": "list"})["mailboxes"]]
        self.assertIn("Entwürfe & mehr", names)
        self.assertIn("The text of one", self.fetch(mailbox="Entwürfe & mehr", uid=1)["text"])


if __name__ == "__main__":
    main()
