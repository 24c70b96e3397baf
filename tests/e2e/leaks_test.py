#!/usr/bin/env python3
"""That the search for planted secrets, which every end-to-end test ends with, finds them; and that no core file of the host can hold one."""
import base64
import json
import os
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import leaks
from harness import PATIENCE, STUB, Host, main, wait_for
from sink import Sink

SECRET = 'planted "päss" & word/9'
TOKEN = "planted_tok-en.0123456789abcdef~xyz"
NOBODY = 65534
# A sanitizer forbids cores itself, and looks for leaks as a debugger would, which nobody's host does not allow.
SANITIZER = {"ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":disable_coredump=0:detect_leaks=0"}


class Found(unittest.TestCase):
    """Each host here has its secret written somewhere by the test, and must fail for it."""

    def setUp(self):
        self.host = Host()
        self.addCleanup(shutil.rmtree, self.host.dir, ignore_errors=True)
        before = dict(leaks.TOTAL)
        self.addCleanup(lambda: leaks.TOTAL.update(before))  # what is planted here on purpose is not what the run found
        os.makedirs(self.host.home)
        self.host.plant("the password", SECRET)
        self.host.plant("a token", TOKEN)

    def found(self, *words):
        with self.assertRaises(AssertionError) as failure:
            self.host.close()
        for word in words:
            self.assertIn(word, str(failure.exception))
        for secret in (SECRET, TOKEN):
            self.assertNotIn(secret, str(failure.exception))
        self.assertFalse(os.path.exists(self.host.dir))

    def log(self, data):
        with open(os.path.join(self.host.home, "host.log"), "ab") as f:
            f.write(b"14:00 something\n" * 1000 + data + b"\n" + b"more\n" * 1000)

    def test_nothing_is_nothing(self):
        self.log(SECRET[:-1].encode() + b" " + TOKEN[1:].encode())
        self.host.close()

    def test_in_a_log_in_every_form(self):
        raw = SECRET.encode()
        for n, (data, form) in enumerate([
                (b"password " + raw, "plain"), (raw.hex().encode(), "hex"), (raw.hex().upper().encode(), "hex"),
                (base64.b64encode(b"\0me@rig.test\0" + raw), "base64"), (base64.b64encode(b"\0ime@rig.test\0" + raw), "base64"),
                (base64.b64encode(b"\0jime@rig.test\0" + raw), "base64"), (base64.urlsafe_b64encode(raw + b"?"), "base64"),
                (b"planted%20%22p%C3%A4ss%22%20%26%20word%2F9", "URL-encoded"), (b"planted+%22p%c3%a4ss%22+%26+word%2f9", "URL-encoded"),
                (json.dumps({"x": SECRET}).encode(), "JSON"), (json.dumps({"x": SECRET}, ensure_ascii=False).encode(), "JSON")]):
            with self.subTest(n=n):
                if n:
                    self.setUp()
                self.log(data)
                self.found("home/host.log", f"the password ({form})")

    def test_a_token_among_many(self):
        """So many that words are looked for instead."""
        for n in range(100):
            self.host.plant("a token", f"token-number-{n:04}-of-the-provider")
        self.log(base64.b64encode(b"user=me@rig.test\1auth=Bearer " + TOKEN.encode() + b"\1\1"))
        self.log(b'{"refresh_token":"token-number-0042-of-the-provider"}')
        self.log(SECRET.encode())
        self.found("a token (base64)", "a token (plain)", "the password (plain)")

    def test_across_two_pieces_of_a_large_file(self):
        with open(os.path.join(self.host.home, "blob"), "wb") as f:
            f.write(bytes(leaks.CHUNK - 5) + TOKEN.encode() + bytes(10))
        self.found("home/blob", "a token (plain)")

    def database(self):
        db = sqlite3.connect(os.path.join(self.host.home, "host.db"))
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("CREATE TABLE ledger (id INTEGER PRIMARY KEY, said TEXT)")
        db.commit()
        return db

    def test_in_a_database_and_its_wal(self):
        db = self.database()
        db.execute("INSERT INTO ledger (said) VALUES (?)", (f"the server said {SECRET}",))
        db.commit()
        self.addCleanup(db.close)  # open, so that the row lies in the WAL
        self.found("home/host.db-wal", "home/host.db, a value", "the password (plain)")

    def test_in_a_value_that_two_pages_share(self):
        db = self.database()
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        for ahead in range(4000, 4096, 8):
            db.execute("INSERT INTO ledger (said) VALUES (?)", ("x" * ahead + TOKEN + "y" * 5000,))
        db.commit()
        db.close()
        self.found("home/host.db, a value", "a token (plain)")

    def test_in_what_a_deleted_row_leaves(self):
        db = self.database()
        db.execute("PRAGMA secure_delete=OFF")
        db.execute("INSERT INTO ledger (said) VALUES (?)", (TOKEN,))
        db.commit()
        db.execute("DELETE FROM ledger")
        db.commit()
        db.close()
        self.found("home/host.db", "a token (plain)")

    def test_in_what_was_printed(self):
        self.host.written.append(f"error: {TOKEN} does not work")
        self.found("what was printed", "a token (plain)")

    def test_in_what_a_process_beside_printed(self):
        self.host.popen("-c", 'echo "$PLANTED"', stub="/bin/sh", env={"PLANTED": TOKEN}).wait()
        self.found("said-1", "a token (plain)")

    def test_a_key_by_its_lines(self):
        key = subprocess.run(["openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"], capture_output=True, check=True, text=True).stdout
        self.host.plant("client_key", key)
        self.log(("key: " + key.splitlines()[9]).encode())
        self.found("client_key (plain)")

    def test_what_a_command_line_names_is_planted(self):
        path = self.host.write("x.secret", "from-a-file-4711\n")
        self.host.run("credential", "rotate", "nobody", "--secret-file", f"password={path}")
        self.host.run("credential", "rotate", "nobody", "--secret", "password=-", input="from-standard-input-4711\n")
        self.log(b"from-a-file-4711 from-standard-input-4711")
        self.found("home/host.log: password (plain)")
        self.assertEqual(len(self.host.secrets.secrets), 4)

    def test_what_cannot_be_told_from_other_words_is_refused(self):
        with self.assertRaisesRegex(AssertionError, "7 bytes"):
            self.host.plant("the password", "secrets")
        self.host.close()


class Sum(unittest.TestCase):
    def test_of_a_whole_run(self):
        one = leaks.SUMMARY.format(secrets=2, forms=12, files=10, bytes=1_199_722, hosts=2, found=0)
        self.assertIn("1,199,722 bytes", one)
        self.assertEqual(leaks.add_up(f"x\n{one}\n14 passed, 0 failed\nnot {one}\n{one}\n"),
                         leaks.SUMMARY.format(secrets=4, forms=24, files=20, bytes=2_399_444, hosts=4, found=0) + " (2 tests)")


class NoCore(unittest.TestCase):
    """A host that had a password in its memory and dies as by a fault of its own, where its limits would have let it leave a core."""

    def setUp(self):
        self.host, self.sink = Host(), Sink()
        self.addCleanup(self.host.close)
        self.addCleanup(self.sink.close)
        self.host.add_credential(self.sink.record(), "planted-password")

    def start(self, *options):
        most = resource.getrlimit(resource.RLIMIT_CORE)[1]
        self.host.start(*options, limits=lambda: resource.setrlimit(resource.RLIMIT_CORE, (most, most)), env=SANITIZER)
        return ["unlimited" if most == resource.RLIM_INFINITY else str(most)] * 2

    def limit(self):
        with open(f"/proc/{self.host.daemon.pid}/limits") as f:
            return next(line.split()[4:6] for line in f if line.startswith("Max core file size"))

    def test_a_crash_leaves_none(self):
        self.start()
        self.assertEqual(self.host.quick_call("email_send", {"credential_id": "me", "to": "a@b.example", "subject": "s", "text": "t"})
                         ["structuredContent"]["state"], "sent")
        self.assertEqual(self.limit(), ["0", "0"])
        self.assertEqual(self.crash(), (signal.SIGABRT, False))
        self.assertEqual(self.start("--allow-debug"), self.limit())

    def crash(self):
        """(the signal, whether the kernel wrote a core)"""
        self.host.daemon.send_signal(signal.SIGABRT)
        _, status = os.waitpid(self.host.daemon.pid, 0)
        self.host.daemon = None
        return os.WTERMSIG(status), os.WCOREDUMP(status)

    def owner(self, *options):
        """Whom the kernel says the host's memory belongs to, while the host runs as nobody: root where it may not be dumped or looked into."""
        folder = tempfile.mkdtemp(prefix="host", dir="/tmp")
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        os.chown(folder, NOBODY, NOBODY)
        program = os.path.join(folder, "host-stub")  # where nobody can reach it, whatever folder this tree lies in
        shutil.copyfile(STUB, program)
        os.chmod(program, 0o755)

        def as_nobody():
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
        with open(os.path.join(folder, "said"), "wb") as said:
            p = subprocess.Popen([program, "run", *options, "--home", os.path.join(folder, "home")], stdin=subprocess.DEVNULL, stdout=said, stderr=said,
                                 preexec_fn=as_nobody, cwd=folder, env={**os.environ, **SANITIZER})
        try:
            def text():
                with open(os.path.join(folder, "said")) as f:
                    return f.read()
            wait_for("ready", lambda: "ready:" in text() or p.poll() is not None, 20)
            self.assertIsNone(p.poll(), text())
            with open(f"/proc/{p.pid}/status") as f:
                self.assertIn(f"Uid:\t{NOBODY}", f.read())
            return os.stat(f"/proc/{p.pid}/mem").st_uid
        finally:
            p.terminate()
            p.wait(timeout=40 * PATIENCE)

    def test_nobody_may_look_into_it(self):
        self.assertEqual(self.owner(), 0)
        self.assertEqual(self.owner("--allow-debug"), NOBODY)


if __name__ == "__main__":
    main()
