#!/usr/bin/env python3
"""Setting up a credential: what is found from the address alone (a private DNS, a real HTTPS server), what is asked at a terminal, tried before
it is stored, changed later."""
import json
import os
import select
import signal
import ssl
import subprocess
import sys
import termios
import threading
import time
import unittest
from http.server import BaseHTTPRequestHandler, HTTPServer

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from dns_server import Dns
from harness import PATIENCE, STUB, RigTest, main, wait_for
from terminal import start_at_terminal

USER = "ada@mail.example"


def loopback():
    """An address of loopback that no other test has, so that port 443 is free on it."""
    n = os.getpid()
    return f"127.{100 + n // 65536 % 100}.{n // 256 % 256}.{n % 256}"


class Web:
    """HTTPS on port 443 with a certificate of an authority of its own; pages by (host, path without query)."""

    def __init__(self, folder, names, pages):
        self.asked = asked = []

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                host, path = self.headers["Host"], self.path.split("?")[0]
                asked.append((host, self.path))
                page = pages.get((host, path))
                if isinstance(page, str) and page.startswith("https://"):
                    self.send_response(302)
                    self.send_header("Location", page)
                    self.end_headers()
                    return
                self.send_response(200 if page else 404)
                self.send_header("Content-Length", str(len(page or b"")))
                self.end_headers()
                self.wfile.write(page or b"")

            def log_message(self, *args):
                pass

        key, cert = os.path.join(folder, "web.key"), os.path.join(folder, "web.pem")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out", cert, "-days", "2",
                        "-subj", "/CN=web", "-addext", "subjectAltName=" + ",".join("DNS:" + n for n in names)], check=True, capture_output=True)
        self.ca = cert
        self.address = loopback()
        self.server = HTTPServer((self.address, 443), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(cert, key)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Person:
    """host-stub at a terminal, and somebody who types."""

    def __init__(self, test, *args):
        self.host, self.seen = test.host, ""
        self.host.plant_from(args)
        self.pid, self.fd = start_at_terminal(test, [STUB, *args, "--home", self.host.home], self.host.env)

    def expect(self, words, seconds=30):
        until = time.monotonic() + seconds * PATIENCE
        while words not in self.seen:
            left = until - time.monotonic()
            if left < 0 or not select.select([self.fd], [], [], left)[0]:
                raise AssertionError(f"{words!r} does not come; seen: {self.seen!r}")
            try:
                data = os.read(self.fd, 4096)
            except OSError:
                data = b""
            if not data:
                raise AssertionError(f"it ended before {words!r}; seen: {self.seen!r}")
            self.seen += data.decode(errors="replace")
        before, _, self.seen = self.seen.partition(words)
        self.host.written.append(before + words)
        return before

    def type_secret(self, text):
        self.host.plant("what was typed unseen", text)
        self.type(text)

    def type(self, text):
        os.write(self.fd, (text + "\n").encode())

    def echo(self):
        return bool(termios.tcgetattr(self.fd)[3] & termios.ECHO)

    def ended(self, seconds=30):
        """The exit status (negative: the signal), and the rest of what it said."""
        rest = self.seen
        until = time.monotonic() + seconds * PATIENCE
        while time.monotonic() < until:
            if not select.select([self.fd], [], [], 0.2)[0]:
                continue
            try:
                data = os.read(self.fd, 4096)
            except OSError:
                break
            if not data:
                break
            rest += data.decode(errors="replace")
        self.host.written.append(rest)
        _, status = os.waitpid(self.pid, 0)
        os.close(self.fd)
        return os.waitstatus_to_exitcode(status), rest


class Setup(RigTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        info = cls.rig.info
        document = f"""<?xml version="1.0"?><clientConfig version="1.1"><emailProvider id="x">
          <incomingServer type="imap"><hostname>{info["host"]}</hostname><port>{info["imap_tls_port"]}</port><socketType>SSL</socketType>
            <username>%EMAILADDRESS%</username><authentication>password-cleartext</authentication></incomingServer>
          <outgoingServer type="smtp"><hostname>{info["host"]}</hostname><port>{info["smtp_tls_port"]}</port><socketType>SSL</socketType></outgoingServer>
          </emailProvider></clientConfig>""".encode()
        names = ["autoconfig.auto.example", "known.example", "autoconfig.moved.example", "elsewhere.example", "autoconfig.big.example"]
        cls.web = Web(cls.rig.dir, names, {("autoconfig.auto.example", "/mail/config-v1.1.xml"): document,
                                           ("known.example", "/.well-known/autoconfig/mail/config-v1.1.xml"): document,
                                           ("autoconfig.moved.example", "/mail/config-v1.1.xml"): "https://elsewhere.example/there.xml",
                                           ("elsewhere.example", "/there.xml"): document,
                                           ("autoconfig.big.example", "/mail/config-v1.1.xml"): b"<" * 400_000})
        ip = cls.web.address
        cls.dns = Dns([f"host-record={name},{ip}" for name in names + ["autoconfig.badname.example"]] + [
            f"srv-host=_imaps._tcp.srv.example,{info['host']},{info['imap_tls_port']},10,5",
            f"srv-host=_submissions._tcp.srv.example,{info['host']},{info['smtp_tls_port']},10,5",
            "srv-host=_imaps._tcp.own.example,mail.own.example,993", "srv-host=_submission._tcp.own.example,mail.own.example,587",
            "mx-host=corp.example,aspmx.l.google.com,10"])
        cls.ca = os.path.join(cls.rig.dir, "both.pem")
        with open(cls.ca, "w") as out:
            for path in (info["ca_file"], cls.web.ca):
                with open(path) as f:
                    out.write(f.read())

    @classmethod
    def tearDownClass(cls):
        cls.dns.stop()
        cls.web.close()
        super().tearDownClass()

    def setUp(self):
        super().setUp()
        folder = os.path.join(self.host.home, "config")
        os.makedirs(folder)
        with open(os.path.join(folder, "email.json"), "w") as f:
            json.dump({"dns_servers": [f"127.0.0.1:{self.dns.port}"]}, f)
        self.secret = self.host.write("pw.secret", self.rig.password)

    def propose(self, email, *more):
        return json.loads(self.host.ok("credential", "add", "--propose", "--json", "--email", email, "--ca-file", self.ca, *more))

    def add(self, email, *more):
        return self.host.run("credential", "add", "--id", "me", "--email", email, "--ca-file", self.ca, "--secret-file", f"password={self.secret}", *more)

    def ids(self):
        return [c["id"] for c in self.host.json("credential", "list")["credentials"]]

    # ---- what is found -----------------------------------------------------------------------------------------------------

    def test_a_known_domain_asks_nobody(self):
        asked = len(self.web.asked)
        p = self.propose("ada@gmail.com")
        self.assertEqual(p["record"]["imap"], {"host": "imap.gmail.com", "port": 993, "tls": "implicit"})
        self.assertEqual(p["record"]["provider"], "gmail")
        way = next(q for q in p["ask"] if q["field"] == "authentication")
        self.assertEqual(way["choices"], ["oauth2", "app_password"])
        self.assertIn("apppasswords", way["hint"])
        self.assertEqual(len(self.web.asked), asked)
        self.assertEqual(self.ids(), [])

    def test_a_company_at_a_provider_is_found_by_its_mx(self):
        p = self.propose("ada@corp.example")
        self.assertEqual(p["record"]["imap"]["host"], "imap.gmail.com")
        self.assertIn("delivered there", p["found"][0]["how"])

    def test_srv_records(self):
        p = self.propose("ada@own.example")
        self.assertEqual(p["record"]["imap"], {"host": "mail.own.example", "port": 993, "tls": "implicit"})
        self.assertEqual(p["record"]["smtp"], {"host": "mail.own.example", "port": 587, "tls": "starttls"})
        self.assertNotIn("confirm", p)

    def test_a_host_elsewhere_wants_a_word(self):
        r = self.add("ada@srv.example")
        self.assertEqual(r.returncode, 1)
        self.assertIn(self.rig.info["host"], r.stderr)
        self.assertIn("--yes", r.stderr)
        self.assertEqual(self.ids(), [])
        self.assertEqual(self.add("ada@srv.example", "--yes", "--username", USER, "--test").returncode, 0)
        self.assertEqual(self.ids(), ["me"])

    def test_autoconfig(self):
        for domain in ("auto.example", "known.example", "moved.example"):
            with self.subTest(domain):
                p = self.propose("ada@" + domain)
                self.assertEqual(p["record"]["imap"]["port"], self.rig.info["imap_tls_port"])
                self.assertNotIn("confirm", p)
                self.assertEqual([q["field"] for q in p["ask"]], ["password"])

    def test_nothing_found_says_what_was_asked(self):
        r = self.add("ada@nowhere.example")
        self.assertEqual(r.returncode, 1)
        for words in ("SRV", "autoconfig.nowhere.example", "no such host", "IMAP server", "SMTP server"):
            self.assertIn(words, r.stderr)
        self.assertEqual(self.ids(), [])

    def test_a_page_that_is_not_trusted_or_too_large_counts_for_nothing(self):
        for domain, words in (("badname.example", "for another host"), ("big.example", "bytes")):
            with self.subTest(domain):
                r = self.add("ada@" + domain)
                self.assertEqual(r.returncode, 1)
                self.assertIn(words, r.stderr)
        r = self.host.run("credential", "add", "--propose", "--json", "--email", "ada@auto.example")  # without its authority
        self.assertIn("not trusted", r.stdout)

    # ---- at a terminal -----------------------------------------------------------------------------------------------------

    def test_only_what_is_missing_is_asked_and_it_is_tried_first(self):
        p = Person(self, "credential", "add", "--ca-file", self.ca)
        p.expect("Address of the account: ")
        p.type("ada@auto.example")
        self.assertIn("found imap: ", p.expect("Name of the account here [ada]: "))
        p.type("")
        p.expect("Password (not shown")
        wait_for("a terminal without echo", lambda: not p.echo(), 10)
        p.type_secret(self.rig.password)
        status, rest = p.ended()
        self.assertEqual(status, 0, rest)
        self.assertRegex(rest, r"imap +authentication +ok")
        self.assertRegex(rest, r"smtp +authentication +ok")
        self.assertIn('"ada" is stored', rest)
        self.assertEqual(self.ids(), ["ada"])
        self.assertEqual(self.host.call("email_search", {"credential_id": "ada"})["messages"], [])
        self.no_secret()

    def test_what_does_not_work_is_not_stored_unless_one_insists(self):
        for answer, ids in (("n", []), ("y", ["x"])):
            p = Person(self, "credential", "add", "--ca-file", self.ca, "--email", "ada@auto.example", "--id", "x")
            p.expect("Password (not shown")
            p.type_secret("wrong-planted")
            said = p.expect("Store it all the same? [y/N] ")
            self.assertRegex(said, r"imap +authentication +FAILED")
            p.type(answer)
            p.ended()
            self.assertEqual(self.ids(), ids)

    def test_ctrl_c_at_the_password_leaves_nothing_and_the_echo_on(self):
        p = Person(self, "credential", "add", "--ca-file", self.ca, "--email", "ada@auto.example", "--id", "x")
        p.expect("Password (not shown")
        wait_for("a terminal without echo", lambda: not p.echo(), 10)
        os.write(p.fd, b"half\x03")
        wait_for("the echo to come back", p.echo, 10)
        status, _ = p.ended()
        self.assertEqual(status, -signal.SIGINT)
        self.assertEqual(self.ids(), [])

    def no_secret(self):
        for text in self.host.written:
            self.assertNotIn(self.rig.password, text)
        for path, content in self.host.files().items():
            self.assertNotIn(self.rig.password.encode(), content, path)

    # ---- later -------------------------------------------------------------------------------------------------------------

    def stored(self):
        self.host.add_credential(self.rig.record("me", USER), self.rig.password)

    def search(self):
        return self.host.run("call", "email_search", json.dumps({"credential_id": "me"}))

    def test_a_new_password_that_does_not_work_leaves_the_old_one(self):
        self.stored()
        for resident in (False, True):
            with self.subTest(resident=resident):
                if resident:
                    self.host.start()
                wrong = self.host.write("wrong.secret", "wrong-planted")
                r = self.host.run("credential", "rotate", "me", "--secret-file", f"password={wrong}", "--test")
                self.assertEqual(r.returncode, 1)
                self.assertIn("not stored", r.stderr)
                self.assertRegex(r.stderr, r"imap +authentication +FAILED")
                self.assertNotIn("~", r.stderr)
                self.assertEqual(self.search().returncode, 0)
                self.assertEqual(self.ids(), ["me"])
                self.assertEqual(self.host.run("credential", "rotate", "me", "--secret-file", f"password={self.secret}", "--test").returncode, 0)
                self.assertEqual(self.search().returncode, 0)
        self.host.stop()
        self.host.ok("credential", "rotate", "me", "--secret-file", f"password={self.host.write('wrong.secret', 'wrong-planted')}")
        self.assertNotEqual(self.search().returncode, 0)

    def test_at_a_terminal_rotate_asks_for_the_secrets_that_there_are(self):
        self.host.ok("credential", "add", "--file", self.host.write("s3.json", json.dumps(
            {"id": "files", "type": "s3", "endpoint": "https://127.0.0.1:1", "bucket": "mails", "access_key": "A"})),
            "--secret-file", f"secret_key={self.secret}")
        p = Person(self, "credential", "rotate", "files", "--no-test")
        p.expect("New secret_key (not shown, empty: as it is): ")
        p.type_secret("another-planted")
        status, rest = p.ended()
        self.assertEqual(status, 0, rest)
        p = Person(self, "credential", "rotate", "files", "--no-test")
        p.expect("New secret_key")
        p.type("")
        status, rest = p.ended()
        self.assertEqual(status, 1, rest)
        self.assertIn("nothing is stored", rest)

    def test_edit_changes_what_is_named(self):
        self.stored()
        before = self.host.json("credential", "show", "me")
        self.host.ok("credential", "edit", "me", "--label", "The quotes", "--test")
        after = self.host.json("credential", "show", "me")
        self.assertEqual(after["label"], "The quotes")
        self.assertEqual({k: v for k, v in after.items() if k not in ("label", "version")}, {k: v for k, v in before.items() if k != "version"})
        self.assertEqual(self.search().returncode, 0)
        r = self.host.run("credential", "edit", "me", "--imap", f"{self.rig.info['host']}:1", "--test")
        self.assertEqual(r.returncode, 1)
        self.assertEqual(self.host.json("credential", "show", "me")["imap"], before["imap"])
        self.host.ok("credential", "edit", "me", "--unset", "label")
        self.assertNotIn("label", self.host.json("credential", "show", "me"))
        self.assertIn("keeps its name", self.host.run("credential", "edit", "me", "--file", self.host.write("x.json", '{"id": "you"}')).stderr)

    def test_revoke_export_audit(self):
        self.stored()
        self.search()
        entry = self.host.json("credential", "audit", "me")["audit"][0]
        self.assertEqual((entry["credential_id"], entry["field"], entry["outcome"], entry["module"]), ("me", "password", "given", "email"))
        record = self.host.ok("credential", "export", "me")
        everything = self.host.json("credential", "export")
        self.assertEqual(everything["credentials"][0]["secrets"], ["password"])
        self.host.ok("credential", "revoke", "me")
        r = self.search()
        self.assertEqual(r.returncode, 1)
        self.assertIn("no password is stored", r.stderr)
        self.host.ok("credential", "remove", "me")
        self.host.ok("credential", "add", "--file", self.host.write("again.json", record), "--secret-file", f"password={self.secret}", "--test")
        self.assertEqual(self.search().returncode, 0)
        self.no_secret()

    def test_one_that_was_being_tried_when_the_host_died_is_gone(self):
        self.stored()
        self.host.run("credential", "rotate", "me", "--secret-file", f"password={self.secret}", "--test", env={"AOH_FAULTS": "call.invoke=kill"})
        self.assertEqual(self.ids(), ["me"])
        self.assertEqual(self.host.run("credential", "show", "me~new").returncode, 1)
        self.assertEqual(self.search().returncode, 0)


if __name__ == "__main__":
    main()
