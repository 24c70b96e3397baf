#!/usr/bin/env python3
"""email_update: on the rig's server, and on a scripted one that breaks off in the middle of a move."""
import json
import os
import sys
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import Host, RigTest, main
from imap_script import ImapScript, message


class Updating:
    def update(self, uids, **args):
        return self.host.call("email_update", {"credential_id": "me", "uids": uids, "uid_validity": self.validity, **args})

    def refused(self, uids, tool="email_update", **args):
        r = self.host.run("call", tool, json.dumps({"credential_id": "me", "uids": uids, "uid_validity": self.validity, **args}), "--json")
        self.assertNotEqual(r.returncode, 0, r.stdout)
        return json.loads(r.stdout)["structuredContent"]

    def states(self, uids, **args):
        return {m["uid"]: m["state"] for m in self.update(uids, **args)["messages"]}


class OnTheRig(Updating, RigTest):
    def setUp(self):
        super().setUp()
        self.me = f"{self._testMethodName}@rig.test"
        self.host.add_credential(self.rig.record("me", self.me), self.rig.password)
        self.imap = self.rig.imap(self.me)
        self.addCleanup(self.imap.logout)
        for name in ("Trash", "Rechnungen &- &APw-ber"):
            self.imap.create(name if name == "Trash" else '"' + name + '"')
        for n in range(4):
            self.imap.append("INBOX", "", None, message(f"s{n}", n))
        self.imap.select("INBOX")
        self.validity = int(self.imap.response("UIDVALIDITY")[1][0])

    def lie(self, mailbox="INBOX"):
        """{uid: (subject, flags)} as another mail program sees it."""
        self.assertEqual(self.imap.select(f'"{mailbox}"', readonly=True)[0], "OK")
        found = {}
        for row in self.imap.uid("FETCH", "1:*", "(FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)])")[1]:
            if isinstance(row, tuple):
                head = row[0].decode()
                found[int(head.split("UID ")[1].split()[0])] = (row[1].decode().split(":")[1].strip(),
                                                                set(head.split("FLAGS (")[1].split(")")[0].split()) - {"\\Recent"})
        return found

    def test_flags(self):
        answer = self.update([1, 2, 99], add_flags=["seen", "\\Flagged", "$Handled"])
        self.assertEqual([(m["uid"], m["state"]) for m in answer["messages"]], [(1, "updated"), (2, "updated"), (99, "gone")])
        self.assertEqual(set(answer["messages"][0]["flags"]) - {"\\Recent"}, {"\\Seen", "\\Flagged", "$Handled"})
        self.update([1], remove_flags=["FLAGGED"], add_labels=["Later"])
        self.update([2], set_flags=["answered"])
        self.assertEqual([f for _, f in self.lie().values()], [{"\\Seen", "$Handled", "Later"}, {"\\Answered"}, set(), set()])
        for bad in (dict(add_flags=["\\Deleted"]), dict(add_flags=["a b"]), dict(add_flags=["\\Recent"]), dict(set_flags=[], add_flags=["seen"]),
                    dict(move_to="Trash", copy_to="Trash"), dict(permanent=True), {}, dict(move_to="inbox"), dict(delete=True, copy_to="Trash")):
            self.assertEqual(self.refused([1], **bad)["error"]["code"], "invalid", bad)
        self.validity += 1
        self.assertEqual(self.refused([1], add_flags=["flagged"])["error"]["code"], "state")
        self.assertNotIn("\\Flagged", self.lie()[1][1])

    def test_a_mailbox_is_made_and_what_lies_there_already_is_told(self):
        for state in ("moved", "gone"):
            [m] = self.update([1], move_to="New", create=True, message_id="s0.0@rig.test")["messages"]
            self.assertEqual((m["state"], m["to"]["mailbox"], m["to"]["uid"]), (state, "New", 1))
        [m] = self.update([1], move_to="New", message_id="other@rig.test")["messages"]
        self.assertEqual((m["state"], "to" in m), ("gone", False))
        self.assertEqual([s for s, _ in self.lie("New").values()], ["s0"])
        for bad in (dict(create=True), dict(delete=True, create=True), dict(add_flags=["seen"], message_id="a@b"), dict(copy_to="New", message_id="a@b")):
            self.refused([2], **bad)
        self.refused([2, 3], move_to="New", message_id="a@b")

    def test_move_copy_and_delete(self):
        there = "Rechnungen & über"
        answer = self.update([3, 1, 77], move_to=there, add_flags=["seen"])
        self.assertEqual([(m["uid"], m["state"]) for m in answer["messages"]], [(3, "moved"), (1, "moved"), (77, "gone")])
        moved = self.lie("Rechnungen &- &APw-ber")
        self.assertEqual({m["to"]["uid"]: m["uid"] for m in answer["messages"][:2]}, {uid: int(s[1]) + 1 for uid, (s, _) in moved.items()})
        self.assertEqual([f for _, f in moved.values()], [{"\\Seen"}] * 2)
        self.imap.select('"Rechnungen &- &APw-ber"')
        self.assertEqual(answer["messages"][0]["to"]["uid_validity"], int(self.imap.response("UIDVALIDITY")[1][0]))
        self.assertEqual(self.states([2], copy_to=there), {2: "copied"})
        self.assertEqual(sorted(s for s, _ in self.lie("Rechnungen &- &APw-ber").values()), ["s0", "s1", "s2"])
        # Somebody else has marked a message: removing ours must leave theirs.
        self.imap.append("INBOX", "(\\Deleted)", None, message("theirs", 9))
        self.assertEqual(self.states([2], delete=True), {2: "moved"})
        self.assertEqual([s for s, _ in self.lie("Trash").values()], ["s1"])
        self.assertEqual(self.states([4], delete=True, permanent=True), {4: "removed"})
        self.assertEqual([s for s, _ in self.lie().values()], ["theirs"])
        error = self.refused([5], move_to="nowhere")["error"]
        self.assertEqual(error["code"], "not_found")
        self.assertEqual(self.states([4], delete=True), {4: "gone"})


class OnAScript(Updating, unittest.TestCase):
    validity = 7

    def server(self, capabilities="IMAP4rev1 UIDPLUS", fault=None):
        self.script = ImapScript(capabilities, fault)
        self.addCleanup(self.script.close)
        self.host = Host()
        self.addCleanup(self.host.close)
        self.host.add_credential(self.script.record(), "planted-password")
        self.fill()

    def fill(self):
        for box in self.script.boxes.values():
            box.mails.clear()
            box.next = 1
        for n in range(4):
            self.script.boxes["INBOX"].add(message(f"s{n}", n))
        self.script.boxes["INBOX"].add(message("theirs", 9), ["\\Deleted"])
        for n in range(3):
            self.script.boxes["Archive"].add(message(f"old{n}", n))

    def left(self, box="INBOX"):
        return {m.uid: m.raw.split(b"Subject: ")[1].split(b"\r\n")[0].decode() for m in self.script.boxes[box].mails}

    everything = {1: "s0", 2: "s1", 3: "s2", 4: "s3", 5: "theirs"}

    def asked(self, verb):
        return [c for c in self.script.commands if c.split()[0] == verb or c.startswith(f"UID {verb}")]

    def test_move_without_move(self):
        self.server()
        answer = self.update([2, 3, 50], move_to="Archive")
        self.assertEqual([(m["uid"], m["state"], m.get("to", {}).get("uid")) for m in answer["messages"]],
                         [(2, "moved", 4), (3, "moved", 5), (50, "gone", None)])
        self.assertEqual(self.left(), {1: "s0", 4: "s3", 5: "theirs"})
        self.assertEqual(self.left("Archive"), {1: "old0", 2: "old1", 3: "old2", 4: "s1", 5: "s2"})
        self.assertEqual(self.asked("EXPUNGE"), ["UID EXPUNGE 2:3"])

    def test_a_copy_that_fails_deletes_nothing(self):
        for words in ("NO [OVERQUOTA] full", "BAD what", "NO partly"):
            def fault(c, tag, verb, rest, words=words):
                if verb != "UID COPY":
                    return False
                if "partly" in words:
                    c.copy("2", "Archive")
                c.say(f"{tag} {words}")
                return True
            self.server(fault=fault)
            answer = self.refused([2, 3], move_to="Archive")
            self.assertEqual([m["state"] for m in answer["messages"]], ["kept", "kept"])
            self.assertIn("nothing was deleted", answer["error"]["what"])
            self.assertEqual(answer["error"]["server_said"].split()[-1], words.split()[-1])
            self.assertEqual(self.left(), self.everything)
            self.assertEqual(self.asked("STORE") + self.asked("EXPUNGE"), [])

    def test_only_what_was_copied_is_deleted(self):
        def half(c, tag, verb, rest):  # OK, and COPYUID for one of two
            if verb != "UID COPY":
                return False
            c.say(f"{tag} OK {c.copyuid(c.copy('2', 'Archive'), 'Archive')} done")
            return True
        self.server(fault=half)
        self.assertEqual(self.states([2, 3], move_to="Archive"), {2: "moved", 3: "kept"})
        self.assertEqual(self.left(), {k: v for k, v in self.everything.items() if k != 2})

        def liar(c, tag, verb, rest):  # OK, no COPYUID, and only one lies there
            if verb != "UID COPY":
                return False
            c.copy("3", "Archive")
            c.say(f"{tag} OK done")
            return True
        self.server(fault=liar)
        answer = self.update([2, 3], move_to="Archive")
        self.assertEqual([(m["state"], m.get("to", {}).get("uid")) for m in answer["messages"]], [("kept", None), ("moved", 4)])
        self.assertEqual(self.left(), {k: v for k, v in self.everything.items() if k != 3})

    def test_twins_need_a_copy_each(self):
        def one(c, tag, verb, rest):
            if verb != "UID COPY":
                return False
            c.copy("6", "Archive")
            c.say(f"{tag} OK done")
            return True
        self.server("IMAP4rev1", one)
        for _ in range(2):
            self.script.boxes["INBOX"].add(message("twin"))
        self.assertEqual(sorted(self.states([6, 7], move_to="Archive").values()), ["kept", "marked"])

    def test_without_uidplus_it_is_marked_and_said(self):
        self.server("IMAP4rev1")
        answer = self.update([2], move_to="Archive")
        self.assertEqual(answer["messages"], [{"uid": 2, "state": "marked", "to": {"mailbox": "Archive", "uid": 4, "uid_validity": 8}}])
        self.assertIn("UIDPLUS", answer["notice"])
        self.assertEqual(self.update([3], delete=True, permanent=True)["messages"][0]["state"], "marked")
        self.assertEqual(self.asked("EXPUNGE"), [])
        self.assertEqual(self.left(), self.everything)
        self.assertEqual([m.uid for m in self.script.boxes["INBOX"].mails if "\\Deleted" in m.flags], [2, 3, 5])

    def test_cut_at_every_command_loses_nothing(self):
        self.server()
        self.host.start()
        common = ("SELECT", "UID SEARCH")
        fallback = (*common, "EXAMINE", "STATUS", "UID COPY", "UID STORE")
        for capabilities, verbs in (("IMAP4rev1 UIDPLUS", (*fallback, "UID EXPUNGE")), ("IMAP4rev1", (*fallback, "UID FETCH")),
                                    ("IMAP4rev1 UIDPLUS MOVE", (*common, "UID MOVE"))):
            for verb in verbs:
                for done in (False, True):  # cut before it is carried out, or before its answer is seen
                    cuts = []

                    def fault(c, tag, asked, rest):
                        if asked != verb:
                            return False
                        if done:
                            say, c.say = c.say, lambda text: None
                            c.answer(tag, asked, rest)
                            c.say = say
                        cuts.append(verb)
                        c.cut()
                        return True
                    self.fill()
                    self.script.capabilities, self.script.fault = capabilities, fault
                    answer = self.host.quick_call("email_update", {"credential_id": "me", "uids": [2, 3], "uid_validity": 7, "move_to": "Archive"})
                    self.assertTrue(answer["isError"])
                    self.assertTrue(cuts)
                    both = list(self.left().values()) + list(self.left("Archive").values())
                    for subject in ("s0", "s1", "s2", "s3", "theirs", "old0"):
                        self.assertIn(subject, both, (capabilities, verb, done))

    def test_a_move_that_is_repeated_makes_no_second_copy(self):
        self.server()
        self.host.start()

        def cut_after(verb):
            def fault(c, tag, asked, rest):
                if asked != verb:
                    return False
                say, c.say = c.say, lambda text: None
                c.answer(tag, asked, rest)
                c.say = say
                c.cut()
                return True
            return fault

        def move(uids=(2, 3)):
            return self.host.quick_call("email_update", {"credential_id": "me", "uids": list(uids), "uid_validity": 7, "move_to": "Archive"})

        for capabilities in ("IMAP4rev1 UIDPLUS", "IMAP4rev1"):
            for verb in ("UID COPY", "UID STORE", "UID EXPUNGE") if "UIDPLUS" in capabilities else ("UID COPY", "UID STORE"):
                self.fill()
                self.script.boxes["INBOX"].add(message("twin"))
                self.script.boxes["INBOX"].add(message("twin"))
                self.script.capabilities, self.script.fault = capabilities, cut_after(verb)
                self.assertTrue(move((2, 3, 6))["isError"])
                self.script.fault = None
                wanted = "moved" if "UIDPLUS" in capabilities else "marked"
                again = move((2, 3, 6, 7))["structuredContent"]["messages"]  # one more twin than was moved: it wants a copy of its own
                if verb == "UID EXPUNGE":
                    self.assertEqual([m["state"] for m in again], ["gone"] * 3 + ["moved"])
                else:
                    self.assertEqual([m["state"] for m in again], [wanted] * 4, (capabilities, verb))
                    self.assertEqual([m["to"]["uid"] for m in again], [4, 5, 6, 7])
                twins = ["twin"] * (1 if verb == "UID EXPUNGE" else 2)  # the same to the second and the byte: the copy of the one is taken for the other's
                self.assertEqual(sorted(self.left("Archive").values()), ["old0", "old1", "old2", "s1", "s2", *twins], (capabilities, verb))

    def test_what_only_looks_like_the_copy_is_none(self):
        self.server()
        inbox, archive = self.script.boxes["INBOX"], self.script.boxes["Archive"]
        raw = inbox.mails[1].raw
        archive.add(raw, date="02-Nov-2026 10:00:00 +0000")  # delivered twice
        archive.add(raw.replace(b"Hello.", b"Jello."))
        archive.add(raw, ["\\Deleted"])
        archive.add(raw + b"\r\n")
        self.assertEqual(self.update([2], move_to="Archive")["messages"][0]["to"]["uid"], 8)
        inbox.add(b"Subject: none\r\n\r\nno id\r\n")
        archive.add(b"Subject: none\r\n\r\nno id\r\n")
        self.assertEqual(self.update([6], move_to="Archive")["messages"][0]["to"]["uid"], 10)
        # One that cannot be looked into is copied all the same.
        self.script.fault = lambda c, tag, verb, rest: verb == "EXAMINE" and "Archive" in rest and not c.say(f"{tag} NO [NOPERM] not to be read")
        self.assertEqual(self.states([3], move_to="Archive"), {3: "moved"})

    def test_what_an_earlier_move_copied_counts_where_the_rest_is_refused(self):
        self.server()
        inbox, archive = self.script.boxes["INBOX"], self.script.boxes["Archive"]
        archive.add(inbox.mails[1].raw)
        there = len(archive.mails)
        self.script.capabilities = "IMAP4rev1"
        self.script.fault = lambda c, tag, verb, rest: verb == "UID COPY" and not c.say(f"{tag} NO [OVERQUOTA] full")
        first, second = self.update([2, 3], move_to="Archive")["messages"]
        self.assertEqual((first["state"], first["to"]["uid"], first["to"]["uid_validity"]), ("marked", there, archive.validity))
        self.assertEqual((second["state"], second["error"]["code"]), ("kept", "refused"))

    def test_of_the_other_mailbox_the_thousand_newest_are_looked_at(self):
        self.server()
        inbox, archive = self.script.boxes["INBOX"], self.script.boxes["Archive"]
        raw = inbox.mails[1].raw
        archive.add(raw)  # the copy of an earlier move
        for _ in range(999):
            archive.add(raw.replace(b"Hello.", b"Jello."))
        count = len(archive.mails)
        self.assertEqual(self.update([2], move_to="Archive")["messages"][0]["to"]["uid"], count - 999)
        raw = inbox.mails[1].raw
        archive.add(raw)
        for _ in range(1000):
            archive.add(raw.replace(b"Hello.", b"Jello."))
        count = len(archive.mails)
        self.assertEqual(self.update([inbox.mails[1].uid], move_to="Archive")["messages"][0]["to"]["uid"], count + 1)

    def test_a_move_that_breaks_off_says_what_moved(self):
        def fault(c, tag, verb, rest):
            if verb != "UID MOVE":
                return False
            c.say(f"* OK {c.copyuid(c.copy('2', 'Archive'), 'Archive')} x")
            c.remove({2})
            c.say(f"{tag} NO [LIMIT] no more")
            return True
        self.server("IMAP4rev1 UIDPLUS MOVE", fault)
        answer = self.update([2, 3], move_to="Archive")
        self.assertEqual([(m["state"], m.get("to", {}).get("uid")) for m in answer["messages"]], [("moved", 4), ("kept", None)])
        self.assertEqual(answer["messages"][1]["error"]["server_said"], "[LIMIT] no more")

    def test_a_move_that_is_only_said_is_not_believed(self):
        self.server("IMAP4rev1 UIDPLUS MOVE", lambda c, tag, verb, rest: verb == "UID MOVE" and not c.say(f"{tag} OK done"))
        self.assertEqual(self.refused([2], move_to="Archive")["messages"][0]["state"], "kept")

    def test_gmails_labels(self):
        self.server("IMAP4rev1 UIDPLUS X-GM-EXT-1")
        self.update([2], add_labels=["Größe", "\\Important"], remove_labels=["x y"])
        self.assertIn("UID STORE 2 +X-GM-LABELS (Gr&APYA3w-e \\Important)", self.script.commands)
        self.assertIn('UID STORE 2 -X-GM-LABELS ("x y")', self.script.commands)
        self.assertEqual(self.refused([2], delete=True, permanent=True)["error"]["code"], "unsupported")


if __name__ == "__main__":
    main()
