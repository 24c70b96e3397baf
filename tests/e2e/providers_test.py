#!/usr/bin/env python3
"""Each row of docs/providers.md against a server that behaves like the provider's: the preset is named in the record, TLS throughout."""
import json
import os
import re
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import main, wait_for
from imap_script import message
from provider_case import Provider
from sink import Sink


class Gmail(Provider):
    def test_a_message_that_is_labelled_again_is_the_same_message(self):
        server = self.server("gmail", capabilities="IMAP4rev1 X-GM-EXT-1 IDLE")
        self.watch()
        self.state("idle")
        server.deliver("INBOX", message("one"), gm=1278455344230334865)
        self.noted("one")
        self.state("idle")
        with server.lock:  # archived, and moved back: another UID
            server.boxes["INBOX"].mails.clear()
            for c in server.connections:
                c.say("* 1 EXPUNGE")
        server.deliver("INBOX", message("one"), gm=1278455344230334865)
        server.deliver("INBOX", message("two"), gm=1278455344230334866)
        self.noted("one", "two")

    def test_it_files_sent_mail_by_itself(self):
        server = self.server("gmail", capabilities="IMAP4rev1 X-GM-EXT-1", add=False)
        sink = self.sink("gmail", server)
        self.assertNotIn("error", self.send())
        self.assertEqual(len(sink.messages), 1)
        self.assertEqual(server.count("APPEND"), 0)

    def test_too_many_connections_are_no_bad_password(self):
        def fault(conn, tag, verb, rest):
            if verb != "AUTHENTICATE":
                return False
            conn.say(f"{tag} NO [ALERT] Too many simultaneous connections. (Failure)")
            return True
        self.server("gmail", fault)
        error = self.refused("email_search")
        self.assertEqual((error["code"], error["temporary"]), ("auth_throttled", True))
        self.assertIn("may be right", error["cure"])

    def test_an_app_password_is_asked_for(self):
        def fault(conn, tag, verb, rest):
            if verb != "AUTHENTICATE":
                return False
            conn.say(f"{tag} NO [ALERT] Application-specific password required: https://support.google.com/accounts/answer/185833 (Failure)")
            return True
        server = self.server("gmail", fault, auth="SASL-IR AUTH=PLAIN AUTH=LOGIN AUTH=XOAUTH2")
        error = self.refused("email_search")
        self.assertEqual(error["code"], "auth")
        self.assertIn("Make an app password", error["cure"])
        self.assertEqual(server.count("AUTHENTICATE"), 1)

    def test_a_session_that_is_cut_after_its_life_goes_on_in_another(self):
        server = self.server("gmail", capabilities="IMAP4rev1 X-GM-EXT-1 IDLE")
        self.watch()
        self.state("idle")
        self.idles(server)
        self.advance("1500s")
        self.idles(server, 2)
        server.boxes["INBOX"].add(message("while away"), gm=5)
        with server.lock:
            for c in list(server.connections):
                c.say("* BYE Session expired, please login again.")
                c.cut()
        wait_for("it waits to come back", lambda: [w for w in self.watchers() if w["state"] in ("backoff", "idle")], 15)
        self.advance("5m")
        self.noted("while away")


class Microsoft(Provider):
    def test_throttled_answers_are_waited_for(self):
        throttle = [True]
        def fault(conn, tag, verb, rest):
            if verb == "UID FETCH" and throttle[0]:
                conn.say(f"{tag} BAD Request is throttled. Suggested Backoff Time: 299910 milliseconds")
                conn.say("* BYE Connection closed. 14")
                conn.cut()
                return True
            return False
        server = self.server("microsoft365", fault, "IMAP4rev1 IDLE", subjects=("one",))
        error = self.refused("email_fetch", uid=1)
        self.assertEqual((error["code"], error["temporary"]), ("temporary", True))
        self.assertIn("300 s", error["cure"])
        before = server.count("UID FETCH")
        self.watch()
        self.state("backoff")
        asked = server.count("UID FETCH")
        self.assertEqual(asked, before + 1)  # not asked for less, which would be more often
        self.advance("299s")
        self.host.ok("sessions", "list")
        self.assertEqual(server.count("UID FETCH"), asked)
        throttle[0] = False
        self.advance("60s")
        self.noted("one")

    def test_list_return_is_refused_though_announced(self):
        def fault(conn, tag, verb, rest):
            if verb == "LIST" and "RETURN" in rest:
                conn.say(f"{tag} BAD Command Argument Error. 12")
                return True
            return False
        server = self.server("microsoft365", fault, "IMAP4rev1 LIST-EXTENDED LIST-STATUS SPECIAL-USE")
        names = [m["name"] for m in self.call("email_mailboxes", action="list")["mailboxes"]]
        self.assertIn("INBOX", names)
        self.assertFalse([c for c in server.commands if c.startswith("LIST") and "RETURN" in c])

    def test_uidnext_is_stale_and_nothing_is_missed(self):
        def fault(conn, tag, verb, rest):
            if verb in ("SELECT", "EXAMINE"):
                conn.say("* 1 EXISTS")
                conn.say("* OK [UIDVALIDITY 7] x")
                conn.say("* OK [UIDNEXT 1] x")  # what it was
                conn.box = conn.server.boxes["INBOX"]
                conn.say(f"{tag} OK [READ-ONLY] done")
                return True
            return False
        server = self.server("microsoft365", fault, "IMAP4rev1 IDLE", subjects=("old",))
        self.watch(start="now")
        self.state("idle")
        server.deliver("INBOX", message("new"))
        self.noted("new")

    def test_a_malformed_structure_is_read_all_the_same(self):
        server = self.server("microsoft365", subjects=("one", "two"))
        server.boxes["INBOX"].mails[0].given = '("TEXT" "PLAIN" NIL NIL NIL "8BIT" 17 1 NIL "inline" NIL NIL)'
        server.boxes["INBOX"].mails[1].given = '((("TEXT" "PLAIN" NIL NIL) "MIXED" NIL'
        for uid, words in ((1, "The text of one"), (2, "The text of two")):
            self.assertIn(words, self.call("email_fetch", uid=uid)["message"]["text"])

    def test_three_connections_and_sent_by_itself(self):
        refusals = [2]
        sink = self.sink("microsoft365")
        def on_mail(sender):
            if refusals[0]:
                refusals[0] -= 1
                return "432 4.3.2 Concurrent connections limit exceeded. Visit https://aka.ms/concurrent_sending for more information."
            return "250 2.1.0 ok"
        sink.on_mail = on_mail
        said = json.dumps(self.send())
        self.assertIn("4.3.2", said)
        self.assertNotIn('"code": "refused"', said)
        self.assertEqual(sink.messages, [])  # tried again by the outbox, later

    def test_password_smtp_is_over(self):
        sink = self.sink("microsoft365", auth="LOGIN XOAUTH2")
        sink.on_auth = lambda mechanism, initial, ask: "550 5.7.30 Basic authentication is not supported for Client Submission."
        said = json.dumps(self.send())
        self.assertIn("5.7.30", said)
        self.assertIn("oauth2", said)
        self.assertEqual(len([c for c in sink.commands if c.startswith(b"AUTH")]), 1)


class NetEase(Provider):
    @staticmethod
    def unsafe(conn, tag, verb, rest):
        if verb == "ID":
            conn.known = True
            conn.say('* ID ("name" "Coremail")')
        if verb in ("SELECT", "EXAMINE") and not getattr(conn, "known", False):
            conn.say(f"{tag} NO {verb} Unsafe Login. Please contact kefu@188.com for help")
            return True
        return False

    def test_id_on_every_connection_and_polling_by_status(self):
        for preset in ("netease", "netease-enterprise"):
            with self.subTest(preset):
                self.setUp()
                server = self.server(preset, self.unsafe, "IMAP4rev1 ID")
                self.watch()
                self.state("polling")
                self.assertEqual(server.count("ID"), 1)
                before = server.count("STATUS")
                server.deliver("INBOX", message("new"))
                self.advance("54s")
                self.host.ok("sessions", "list")
                self.assertEqual((server.count("STATUS"), server.count("IDLE")), (before, 0))
                self.advance("1s")
                self.noted("new")
                self.assertEqual(server.count("STATUS"), before + 1)
                self.host.stop()

    def test_the_code_is_asked_for(self):
        sink = self.sink("netease", auth="LOGIN PLAIN")
        sink.on_auth = lambda mechanism, initial, ask: "550 User has no permission"
        said = json.dumps(self.send())
        self.assertIn("authorisation code", said)

    def test_a_busy_system_is_no_bad_password(self):
        sink = self.sink("netease", auth="LOGIN PLAIN")
        sink.on_auth = lambda mechanism, initial, ask: "535 Error: authentication failed, system busy"
        self.assertIn("auth_throttled", json.dumps(self.send()))


class Tencent(Provider):
    def test_idle_is_announced_late_search_is_deaf_and_forms_are_refused(self):
        def fault(conn, tag, verb, rest):
            if verb == "AUTHENTICATE":
                conn.say(f"{tag} OK [CAPABILITY IMAP4rev1 ID UIDPLUS] Success login ok")  # IDLE is not among them
                return True
            if verb == "CAPABILITY":
                conn.say("* CAPABILITY IMAP4rev1 IDLE ID UIDPLUS ESEARCH")
                conn.say(f"{tag} OK done")
                return True
            if verb == "UID SEARCH" and "RETURN" in rest:
                conn.say(f"{tag} BAD UID SEARCH invalid argument")
                return True
            if verb == "UID FETCH" and "," in rest.split(" ")[0]:
                conn.say(f"{tag} BAD UID parameters!")
                return True
            return False
        for preset in ("qq", "exmail"):
            with self.subTest(preset):
                self.setUp()
                server = self.server(preset, fault, "IMAP4rev1 ID", subjects=("quote", "other", "quote again", "no"))
                self.assertEqual(sorted(self.found(subject="quote")), ["quote", "quote again"])
                self.assertFalse([c for c in server.commands if "RETURN" in c or re.match(r"UID FETCH \S*,", c)])
                self.watch(start="now")
                self.state("idle")
                server.deliver("INBOX", message("new"))
                self.noted("new")
                self.host.stop()

    def test_one_text_for_everything_is_no_throttling(self):
        def fault(conn, tag, verb, rest):
            if verb != "AUTHENTICATE":
                return False
            conn.say(f"{tag} NO Login fail. Account is abnormal, service is not open, password is incorrect, login frequency limited, or system is busy.")
            return True
        self.server("qq", fault)
        error = self.refused("email_search")
        self.assertEqual(error["code"], "auth")
        self.assertIn("authorisation code", error["cure"])


class Yahoo(Provider):
    @staticmethod
    def fault(conn, tag, verb, rest):
        if verb == "UID FETCH" and any(m.subject == "bad" for m in conn.box.of(rest.split()[0]) if hasattr(m, "subject")):
            conn.say(f"{tag} NO [UNAVAILABLE] UID FETCH Server error while fetching messages")
            return True
        if verb == "UID SEARCH":
            conn.say("* SEARCH" + "".join(f" {m.uid}" for m in reversed(conn.box.mails)))  # in no order
            conn.say(f"{tag} OK done")
            return True
        return False

    def test_idle_is_renewed_every_three_minutes(self):
        server = self.server("yahoo", capabilities="IMAP4rev1 IDLE")
        self.watch()
        self.renewals(server, "180s")
        server.deliver("INBOX", message("new"))
        self.noted("new")

    def test_results_in_no_order_and_a_message_that_is_refused(self):
        server = self.server("yahoo", self.fault, subjects=("one", "bad", "three"))
        server.boxes["INBOX"].mails[1].subject = "bad"
        r = self.call("email_search")
        self.assertEqual(sorted(m["subject"] for m in r["messages"]), ["one", "three"])
        self.assertIn("UID 2", json.dumps(r))
        self.assertIn("The text of three", self.call("email_fetch", uid=3)["message"]["text"])

    def test_an_expunge_that_does_not_renumber_confuses_nobody(self):
        server = self.server("yahoo", capabilities="IMAP4rev1 IDLE", subjects=("one", "two", "three"))
        self.watch(start="now")
        self.state("idle")
        with server.lock:
            server.boxes["INBOX"].mails.pop(0)
            server.connections[0].say("* 3 EXPUNGE")  # another number than the message had
            server.connections[0].told = 2
        server.deliver("INBOX", message("four"))
        self.noted("four")

    def test_rate_limit_is_no_bad_password(self):
        def fault(conn, tag, verb, rest):
            if verb != "AUTHENTICATE":
                return False
            conn.say(f"{tag} NO [LIMIT] AUTHENTICATE Rate limit hit.")
            return True
        self.server("yahoo", fault)
        self.assertEqual(self.refused("email_search")["code"], "auth_throttled")


class ICloud(Provider):
    def test_quotes_that_are_not_escaped(self):
        server = self.server("icloud", subjects=("one",))
        server.boxes["INBOX"].mails[0].given = '("TEXT" "PLAIN" ("NAME" "the "final" one.txt") NIL NIL "8BIT" 17 1)'
        self.assertIn("The text of one", self.call("email_fetch", uid=1)["message"]["text"])

    def test_limits_are_kept(self):
        sink = self.sink("icloud")
        path = os.path.join(self.host.dir, "large.bin")
        with open(path, "wb") as f:
            f.truncate(16 << 20)  # 21 MB after encoding: more than iCloud takes, less than 25 MB
        said = json.dumps(self.send(attachments=[{"path": path}]))
        self.assertIn("may have 21 MB", said)  # 20 MB of 1,048,576
        self.assertEqual(sink.messages, [])


class Yandex(Provider):
    def test_bye_again_and_again_is_one_error_and_the_watch_goes_on(self):
        angry = [True]
        def fault(conn, tag, verb, rest):
            if verb == "IDLE" and angry[0]:
                angry[0] = False
                for _ in range(5):
                    conn.say("* BYE Autologout; idle for too long")
                return True
            return False
        server = self.server("yandex", fault, "IMAP4rev1 IDLE")
        self.watch()
        w = self.state("backoff")
        self.assertIn("Autologout", w["last_error"])
        server.boxes["INBOX"].add(message("while away"))
        self.advance("5m")
        self.noted("while away")

    def test_an_empty_multipart_and_decimals(self):
        server = self.server("yandex", subjects=("one", "two"))
        server.boxes["INBOX"].mails[0].given = '(("TEXT" "PLAIN" NIL NIL NIL "8BIT" 17.0 1.0)("ALTERNATIVE") "MIXED")'
        server.boxes["INBOX"].mails[1].given = '("TEXT" "PLAIN" NIL NIL NIL "8BIT" 17.0 1.0)'
        self.assertEqual(sorted(self.found()), ["one", "two"])
        self.assertIn("The text of two", self.call("email_fetch", uid=2)["message"]["text"])


class MailRu(Provider):
    def test_scientific_notation_is_no_reason_to_skip(self):
        server = self.server("mailru", subjects=("one", "two"))
        server.boxes["INBOX"].mails[0].given = '("TEXT" "PLAIN" NIL NIL NIL "8BIT" 1.9e+01 1)(("TEXT" "HTML" NIL NIL NIL "7BIT" 168 0) "MIXED")'
        server.boxes["INBOX"].mails[1].given = '("TEXT" "PLAIN" ("boundary" NIL) NIL NIL "8BIT" 9.3736e+06 1)'
        self.assertEqual(sorted(self.found()), ["one", "two"])
        for uid, words in ((1, "The text of one"), (2, "The text of two")):
            self.assertIn(words, self.call("email_fetch", uid=uid)["message"]["text"])


class Everywhere(Provider):
    def test_a_throttled_sign_in_is_waited_for(self):
        busy = [True]
        def fault(conn, tag, verb, rest):
            if verb == "AUTHENTICATE" and busy[0]:
                conn.say(f"{tag} NO [UNAVAILABLE] Too many login attempts, please try again later")
                return True
            return False
        server = self.server(None, fault, "IMAP4rev1 IDLE", subjects=("one",))
        self.watch()
        self.state("backoff")  # and not failed, which would want a person
        tries = server.count("AUTHENTICATE")
        self.advance("20s")
        self.host.ok("sessions", "list")
        self.assertEqual(server.count("AUTHENTICATE"), tries)  # servers lock accounts: not soon
        busy[0] = False
        self.advance("15m")
        self.noted("one")

    def test_idle_is_renewed_at_25_minutes_and_as_the_record_says(self):
        for more, time in (({}, "1500s"), ({"idle_renew_s": 240}, "240s")):
            with self.subTest(time):
                self.setUp()
                server = self.server(None, capabilities="IMAP4rev1 IDLE", **more)
                self.watch()
                self.renewals(server, time)
                self.host.stop()

    def test_smtp_that_has_had_enough_is_no_bad_password(self):
        for said in ("454 4.7.0 Too many login attempts, please try again later.", "421 4.7.0 Too many login attempts"):
            with self.subTest(said):
                self.setUp()
                sink = Sink(tls=self.tls)
                self.addCleanup(sink.close)
                self.host.add_credential(sink.record(email="me@rig.test"), "planted-password")
                sink.on_auth = lambda mechanism, initial, ask: said
                self.assertIn("auth_throttled", json.dumps(self.send()))

    def test_an_unknown_provider_is_refused_by_name(self):
        self.server("gmial")
        error = self.refused("email_search")
        self.assertEqual(error["code"], "config")
        self.assertIn("gmial", error["what"])


if __name__ == "__main__":
    main()
