"""A scripted SMTP server for what real ones do not do when asked: refuse for a while, cut at a chosen point, keep every raw byte."""
import base64
import re
import socket
import threading


class Message:
    def __init__(self, sender, recipients, data, wire):
        self.sender, self.recipients = sender, recipients
        self.data = data  # as the client meant it: dots unstuffed, without the end mark
        self.wire = wire  # every byte between DATA's reply and the end mark, both line ends of the mark included


class Sink:
    """One thread a connection. The rules are functions that a test sets, each returning a reply line, or None for a cut:
    on_mail(sender), on_rcpt(sender, recipient), on_end(message), on_auth(mechanism, initial, ask); and cut_at_line(), true for a cut after any line.
    `commands` and `wire` hold all that came, by connection. `auth`: the mechanisms it announces. `tls`: a Certificate; without it everything is in the clear."""


    def __init__(self, extensions=("PIPELINING", "8BITMIME", "SIZE 26214400", "ENHANCEDSTATUSCODES", "SMTPUTF8", "DSN"), port=0, auth="PLAIN", tls=None):
        self.extensions, self.auth, self.tls = extensions, auth, tls
        self.on_auth = lambda mechanism, initial, ask: "235 2.7.0 ok"
        self.messages, self.commands, self.raw = [], [], []
        self.cut_at_line = lambda: False
        self.on_mail = lambda sender: "250 2.1.0 ok"
        self.on_rcpt = lambda sender, recipient: "250 2.1.5 ok"
        self.on_end = lambda message: "250 2.0.0 queued"
        self.lock = threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", port))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def record(self, credential="me", email="ada@sender.example", **more):
        way = {"ca_file": self.tls.ca_file} if self.tls else {"require_tls": False}
        return {"id": credential, "type": "mail", "email": email, "username": "ada",
                "smtp": {"host": "127.0.0.1", "port": self.port, "tls": "implicit" if self.tls else "none"}, **way, **more}

    def accept(self):
        while True:
            try:
                c, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(c,), daemon=True).start()

    def serve(self, c):
        raw = bytearray()
        with self.lock:
            self.raw.append(raw)
        try:
            c = self.tls.wrap(c) if self.tls else c
            with c, c.makefile("rb") as stream:
                self.converse(c, stream, raw)
        except OSError:
            pass  # the client went; what it had said is kept

    def converse(self, c, stream, raw):
        def say(*lines):
            for i, line in enumerate(lines):
                c.sendall(f"{line[:3]}{'-' if i + 1 < len(lines) else ' '}{line[4:]}\r\n".encode())
        def line():
            got = stream.readline()
            raw.extend(got)
            if self.cut_at_line():
                raise ConnectionResetError  # in the middle of whatever it was
            return got
        say("220 sink ready")
        sender, recipients = None, []
        while True:
            got = line()
            if not got:
                return
            with self.lock:
                self.commands.append(got)
            word = got[:4].upper()
            if word in (b"EHLO", b"HELO"):
                say("250 sink", *(f"250 {e}" for e in (*self.extensions, "AUTH " + self.auth)))
            elif word == b"AUTH":
                def ask(challenge=b""):
                    say("334 " + base64.b64encode(challenge).decode())
                    return base64.b64decode(line())
                mechanism, _, initial = got[5:].strip().partition(b" ")
                say(self.on_auth(mechanism.decode(), base64.b64decode(initial), ask))
            elif word == b"MAIL":
                sender, recipients = self.address(got), []
                reply = self.on_mail(sender)
                if reply is None:
                    return
                say(reply)
                if not reply.startswith("2"):
                    sender = None
            elif word == b"RCPT":
                reply = self.on_rcpt(sender, self.address(got)) if sender is not None else "503 5.5.1 no sender"
                if reply is None:
                    return
                if reply.startswith("2"):
                    recipients.append(self.address(got))
                say(reply)
            elif word == b"DATA":
                if not recipients:
                    say("554 5.5.1 no valid recipients")
                    continue
                say("354 go on")
                wire = bytearray()
                while not (wire.endswith(b"\r\n.\r\n") or wire == b".\r\n"):
                    got = line()
                    if not got:
                        return
                    wire.extend(got)
                body = bytes(wire[:-3])
                data = body[1:] if body.startswith(b".") else body
                message = Message(sender, recipients, data.replace(b"\r\n..", b"\r\n."), bytes(wire))
                reply = self.on_end(message)
                if reply is None:
                    return
                if reply.startswith("2"):
                    with self.lock:
                        self.messages.append(message)
                say(reply)
                sender, recipients = None, []
            elif word == b"QUIT":
                say("221 2.0.0 bye")
                return
            else:
                say("250 2.0.0 ok")

    @staticmethod
    def address(line):
        # A quoted local part may hold angle brackets (RFC 5321, 4.1.2).
        return re.match(rb'[^<]*<((?:"(?:[^"\\]|\\.)*"|[^">])*)>', line)[1].decode(errors="replace")

    def close(self):
        try:
            self.listener.shutdown(socket.SHUT_RDWR)  # wakes the thread in accept(); closing alone does not
        except OSError:
            pass
        self.listener.close()
