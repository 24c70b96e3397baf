#!/usr/bin/env python3
"""What the reading tools are given wrongly: one clear error that names the field and the cure, nothing at the mail server, and the host goes on."""
import json
import os
import sys
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import Host, main
from imap_script import ImapScript, message

HUGE = (0, -1, 1.5, 4294967296, 2**63, 2**64, 1e300, "1", None, True, [], {})  # as a UID
CONTROL = ("a\r\nb", "a\nLOGOUT", "a\0b", "a\x7f", "{3+}\r\nabc")


def wrong():
    """(tool, arguments, the field that the error must name)."""
    for uid in HUGE:
        for tool in ("email_fetch", "email_thread", "email_attachment"):
            yield tool, {"uid": uid}, "uid"
        yield "email_fetch", {"uids": [uid]}, "uids"
        yield "email_update", {"uids": [uid], "uid_validity": 7, "add_flags": ["seen"]}, "uids"
        yield "email_update", {"uids": [1], "uid_validity": uid, "add_flags": ["seen"]}, "uid_validity"
    for limit in (-1, 1.5, "1", None, [], {}):
        yield "email_search", {"limit": limit}, "limit"
        yield "email_fetch", {"uid": 1, "text_offset": limit}, "text_offset"
        yield "email_parse", {"raw": ["x"], "text_offset": limit}, "text_offset"
    for text in (*CONTROL, "", 7, None):
        for tool, more in (("email_search", {}), ("email_fetch", {"uid": 1}), ("email_thread", {"uid": 1}), ("email_attachment", {"uid": 1}),
                           ("email_update", {"uids": [1], "uid_validity": 7, "add_flags": ["seen"]}), ("email_mailboxes", {"action": "status"}),
                           ("email_mailboxes", {"action": "create"}), ("email_reply", {"uid": 1, "text": "x"}), ("email_rules_explain", {"uid": 1, "rules": [], "blueprints": []}),
                           ("email_forward", {"uid": 1, "to": "a@b.example"})):
            yield tool, {"mailbox": text, **more}, "mailbox"
        for field in ("copy_to", "move_to"):
            yield "email_update", {"uids": [1], "uid_validity": 7, field: text}, field
        yield "email_mailboxes", {"action": "rename", "mailbox": "Archive", "new_name": text}, "new_name"
        yield "email_mailboxes", {"pattern": text}, "pattern"
        for field in ("from", "subject", "text", "thread", "gmail_raw", "cursor"):
            yield "email_search", {field: text}, field
        yield "email_search", {"keyword": [text]}, "keyword"
        yield "email_search", {"headers": [{"name": text, "contains": "x"}]}, "headers"
        yield "email_reply", {"message_id": text, "text": "x"}, "message_id"
        yield "email_update", {"uids": [1], "uid_validity": 7, "add_flags": [text]}, "add_flags"
        yield "email_attachment", {"uid": 1, "part": text}, "part"
        yield "email_attachment", {"uid": 1, "filename": text}, "filename"
    for text in ("x" * 10_000, "\u00f6" * 1001):
        yield "email_search", {"mailbox": text}, "mailbox"
        yield "email_search", {"subject": text}, "subject"
    for word in ("a b", "(", "%", "\u00f6", "\\Seen"):
        yield "email_search", {"keyword": [word]}, "keyword"
    for word in ("a b", "(", "\u00f6", "\\Recent", "\\Deleted"):
        yield "email_update", {"uids": [1], "uid_validity": 7, "add_flags": [word]}, "add_flags"
    for cursor in ("AAAA", "newest:7:3", "newest:7:3:3:x:y", "newest:-1:3:3:", "newest:7:99999999999:3:", "bogus:7:3:3:", "\u00f6"):
        yield "email_search", {"cursor": cursor}, "cursor"
    for day in ("2026-02-30", "2026-13-01", "99999-01-01", "2026-01-01T25:00:00Z", "soon"):
        yield "email_search", {"since": day}, "since"
    yield "email_search", {"since": "2026-01-01", "time_zone": "Nowhere/City"}, "time_zone"
    yield "email_search", {"headers": {"name": "x"}}, "headers"
    yield "email_update", {"uids": [1], "uid_validity": 7}, "add_flags"
    yield "email_update", {"uids": list(range(1, 502)), "uid_validity": 7, "add_flags": ["seen"]}, "uids"
    yield "email_fetch", {}, "uid"
    yield "email_fetch", {"uid": 1, "uids": [1]}, "uids"
    yield "email_parse", {"base64": ["!"]}, "base64"
    yield "email_parse", {"base64": ["YWJ"], "blobs": 1}, "blobs"
    yield "email_parse", {"paths": ["a\0b"]}, "a?b"
    yield "email_parse", {"blobs": ["../../etc/passwd"]}, "passwd"
    yield "email_parse", {}, "raw"


class Inputs(unittest.TestCase):
    def test_each_is_told_by_its_field(self):
        script = ImapScript("IMAP4rev1 UIDPLUS")
        self.addCleanup(script.close)
        script.boxes["INBOX"].add(message("one"))
        host = Host()
        self.addCleanup(host.close)
        nobody = {"host": "127.0.0.1", "port": 1, "tls": "none"}  # nothing is sent
        host.add_credential({**script.record(), "smtp": nobody}, "planted-password")
        host.start()
        count = 0
        for tool, arguments, field in wrong():
            given = {**({} if tool == "email_parse" else {"credential_id": "me"}), **arguments}
            status, out, said = host.over_socket(["call", tool, json.dumps(given), "--json"], given)
            what = f"{tool} {json.dumps(arguments)[:200]}: {out[-500:]} {said[-300:]}"
            self.assertNotEqual(status, 0, what)
            if out:
                error = json.loads(out)["structuredContent"]["error"]
                self.assertIn(error["code"], ("invalid", "not_found", "limit"), what)
                self.assertTrue(error.get("cure"), what)
                said = error.get("where", "") + " " + error["what"]
            self.assertIn(field, said, what)
            count += 1
        self.assertEqual([c for c in script.commands if not c.startswith(("CAPABILITY", "AUTHENTICATE", "LOGOUT", "EXAMINE", "UID SEARCH", "UID FETCH", "SELECT", "LIST"))], [])
        self.assertEqual(host.call("email_fetch", {"credential_id": "me", "uid": 1})["message"]["subject"], "one")
        print(f"{count} wrong inputs", file=sys.stderr)


if __name__ == "__main__":
    main()
