#!/usr/bin/env python3
"""A server or a person at the worst moment: the sign-in quoted back, Ctrl-C while the server thinks, a record settled under a living call."""
import base64
import json
import os
import signal
import socket
import subprocess
import sys
import termios
import threading
import time
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import STUB, Host, main, wait_for
from terminal import start_at_terminal

SECRET = "planted-secret-4711"


class Smtp:
    """One thread a connection. `answer(word)` gives the reply to AUTH and to the final dot; `got` is set at the latter."""

    def __init__(self, answer):
        self.answer, self.got, self.go = answer, threading.Event(), threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                c, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(c,), daemon=True).start()

    def serve(self, c):
        def say(text):
            c.sendall(text.encode() + b"\r\n")
        with c, c.makefile("rb") as lines:
            say("220 ready")
            for line in lines:
                word = line[:4].upper().decode().strip()
                if word == "EHLO":
                    say("250-here\r\n250 AUTH PLAIN")
                elif word == "AUTH":
                    say(self.answer(line.decode().strip()))
                elif word == "DATA":
                    say("354 go on")
                    while lines.readline() not in (b".\r\n", b""):
                        pass
                    self.got.set()
                    self.go.wait(30)
                    say("250 queued")
                else:
                    say("250 ok")

    def close(self):
        self.go.set()
        self.listener.close()


class Hostile(unittest.TestCase):
    def setUp(self):
        self.host = Host()
        self.addCleanup(self.host.close)

    def server(self, answer=lambda line: "235 welcome"):
        server = Smtp(answer)
        self.addCleanup(server.close)
        plain = {"host": "127.0.0.1", "port": server.port, "tls": "none"}
        self.host.add_credential({"id": "me", "type": "mail", "email": "me@rig.test", "username": "me@rig.test", "authentication": "password",
                                  "require_tls": False, "imap": plain, "smtp": plain}, SECRET)
        return server

    def message(self, **more):
        return json.dumps({"credential_id": "me", "to": "you@rig.test", "subject": "Probe", "text": "Hello.", **more})

    def begin(self, server, env=None, **more):
        """A send whose message the server has, and has not answered for."""
        p = self.host.popen("call", "email_send", self.message(**more), env=env, stderr=subprocess.PIPE, text=True)
        self.addCleanup(p.communicate)
        self.assertTrue(server.got.wait(60), "the message did not come")
        return p

    def test_a_server_that_quotes_the_sign_in_does_not_show_it(self):
        trace = os.path.join(self.host.dir, "trace")
        for quote in (lambda line: "500 unknown: " + line, lambda line: "535 no: " + base64.b64decode(line.split()[2]).decode().replace("\0", " ")):
            self.server(quote)
            r = self.host.run("call", "email_send", self.message(), "--trace", trace)
            self.assertNotEqual(r.returncode, 0)
            self.assertIn("withheld", r.stderr)
        for where, text in [("output", "".join(self.host.written).encode()), *self.host.files().items()]:
            for form in (SECRET.encode(), base64.b64encode(b"\0me@rig.test\0" + SECRET.encode())[20:36]):
                self.assertNotIn(form, text, where)

    def test_ctrl_c_while_the_server_thinks_is_not_called_cancelled(self):
        # Freed memory is overwritten: what is left behind must not use it.
        p = self.begin(self.server(), env={"GLIBC_TUNABLES": "glibc.malloc.tcache_count=0", "MALLOC_PERTURB_": "165"})
        p.send_signal(signal.SIGINT)
        p.wait(30)
        err = p.stderr.read()
        self.host.written.append(err)
        self.assertEqual(p.returncode, 1, err)
        self.assertIn("not known whether the message was sent", err)
        self.assertEqual([r["state"] for r in self.host.json("outbox", "list")["outbox"]], ["committing"])

    def test_what_the_server_answered_counts_for_more_than_what_a_person_said_meanwhile(self):
        server = self.server()
        self.host.start()
        p = self.begin(server, idempotency_key="k")
        [record] = self.host.json("outbox", "list")["outbox"]
        self.host.ok("outbox", "resolve", record["id"], "failed")
        server.go.set()
        self.assertEqual(p.wait(30), 0)
        [record] = self.host.json("outbox", "list")["outbox"]
        self.assertEqual(record["state"], "sent")
        self.assertEqual(self.host.stop(), 0)

    def test_a_host_that_starts_waits_for_a_call_that_holds_the_home(self):
        server = self.server()
        p = self.begin(server)
        self.host.start(wait=False)
        wait_for("a word that it waits, and for whom", lambda: f"waiting for process {p.pid}" in self.host.log_text(), 20)
        server.go.set()
        self.assertEqual(p.wait(60), 0)
        wait_for("it is ready", lambda: "ready:" in self.host.log_text(), 20)
        self.assertEqual(self.host.stop(), 0)

    def test_ctrl_c_ends_the_wait_for_the_home(self):
        server = self.server()
        self.begin(server)
        self.addCleanup(server.go.set)
        waiting = self.host.popen("run", stderr=subprocess.PIPE, text=True)
        self.addCleanup(waiting.communicate)
        self.assertIn("waiting for process", waiting.stderr.readline())
        waiting.send_signal(signal.SIGINT)
        self.assertEqual(waiting.wait(20), -signal.SIGINT)

    def test_ctrl_c_at_the_password_leaves_the_terminal_as_it_was(self):
        pid, fd = start_at_terminal(self, [STUB, "credential", "add", "--id", "me", "--type", "mail", "--email", "me@rig.test", "--imap",
                                           "imap.rig.test", "--home", self.host.home])
        self.addCleanup(os.close, fd)
        # The master end sees the terminal's settings also when the program is gone.
        echoes = lambda: bool(termios.tcgetattr(fd)[3] & termios.ECHO)
        wait_for("the question without echo", lambda: not echoes(), 20)
        os.read(fd, 4096)
        os.write(fd, b"half a pass\x03")
        wait_for("the echo is back", echoes, 5)
        _, status = os.waitpid(pid, 0)
        self.assertEqual(os.waitstatus_to_exitcode(status), -signal.SIGINT)


if __name__ == "__main__":
    main()
