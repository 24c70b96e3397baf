"""Plays a script of tests/corpus/tls to a mail client, and keeps every byte that the client sent, by what protected it.

The steps are described in tests/corpus/tls/README.md.
"""
import re
import select
import socket
import ssl
import struct
import threading
import warnings

from imap_script import Connection, ImapScript, message

PATIENCE = 60  # s; a client that neither speaks nor leaves is a finding


class Gone(Exception):
    """The client has left."""


class Visit:
    """One connection of the client."""

    def __init__(self):
        self.clear, self.covered = b"", b""  # what came before TLS, and within it
        self.handshake = None                # None: none, else whether the server saw it through
        self.at, self.complaint, self.lines = "the start", None, []


class Server:
    """Listens on a port of its own; `visits` has each connection."""

    def __init__(self, script, contexts, referral_port):
        self.script, self.contexts, self.referral_port = script, contexts, referral_port
        self.visits, self.holding, self.ended = [], threading.Event(), threading.Semaphore(0)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def close(self):
        self.listener.close()

    def accept(self):
        while True:
            try:
                c, _ = self.listener.accept()
            except OSError:
                return
            visit = Visit()
            self.visits.append(visit)
            threading.Thread(target=self.serve, args=(c, visit), daemon=True).start()

    def serve(self, c, visit):
        player = Player(self, c, visit)
        try:
            player.play()
        except (Gone, OSError):
            pass
        finally:
            player.close()
            self.ended.release()


class Player:
    def __init__(self, server, c, visit):
        self.server, self.raw, self.c, self.visit = server, c, c, visit
        self.rest, self.held, self.tag, self.tls = b"", b"", "a0", False
        c.settimeout(PATIENCE)

    def play(self):
        if self.server.script["tls"] == "implicit" and not self.server.script.get("plain"):
            self.handshake(False)
        for step in self.server.script["steps"]:
            self.visit.at = step
            verb, _, text = step.partition(" ")
            getattr(self, "do_" + {"S|": "hold_back", "C?": "read_if", "TLS?": "handshake_if"}.get(verb, verb.lower()))(text)
        self.visit.at = "the end"
        self.drain()

    def close(self):
        for s in {self.c, self.raw}:
            try:
                s.close()
            except OSError:
                pass

    # What the client sends.
    def take(self):
        try:
            data = self.c.recv(65536)
        except socket.timeout:
            if not self.visit.at.startswith("serve"):  # a good connection is kept for the next message
                self.visit.complaint = "the client neither speaks nor leaves"
            raise Gone from None
        if not data:
            raise Gone
        if self.tls:
            self.visit.covered += data
        else:
            self.visit.clear += data
        return data

    def line(self):
        while b"\n" not in self.rest:
            self.rest += self.take()
        line, _, self.rest = self.rest.partition(b"\n")
        line = line.rstrip(b"\r").decode("latin-1")
        self.visit.lines.append(line)
        return line

    def drain(self):
        while True:
            self.take()

    # What the script says.
    def filled(self, text):
        text = text.replace("{line}", self.visit.lines[-1] if self.visit.lines else "").replace("{tag}", self.tag).replace("{referral}", f"imap://ada@127.0.0.1:{self.server.referral_port}/INBOX")
        text = text.replace("{port}", str(self.server.referral_port)).replace("{crlf}", "\r\n")
        return re.sub(r"\{(.)\*(\d+)\}", lambda m: m[1] * int(m[2]), text).encode("latin-1")

    def send(self, data):
        self.c.sendall(self.held + data)
        self.held = b""

    def do_s(self, text):
        self.send(self.filled(text) + b"\r\n")

    def do_hold_back(self, text):
        self.held += self.filled(text) + b"\r\n"

    def do_part(self, text):
        self.send(self.filled(text))

    def do_hex(self, text):
        self.send(bytes.fromhex(text))

    def do_rawhex(self, text):
        socket.socket.sendall(self.c, bytes.fromhex(text))

    def do_clear(self, text):
        """Beside TLS, on the naked connection."""
        socket.socket.sendall(self.c, self.filled(text) + b"\r\n")

    def do_c(self, word):
        line = self.line()
        if word.upper() not in line.upper():
            self.visit.complaint = f"the client wrote {line!r} and not {word!r}"
            raise Gone
        if self.server.script["protocol"] == "imap":
            self.tag = line.partition(" ")[0] if " " in line else self.tag

    def do_read_if(self, word):
        self.do_c(word)

    def do_hello(self, _):
        """The client has begun its handshake."""
        if not select.select([self.raw], [], [], PATIENCE)[0] or not self.raw.recv(1, socket.MSG_PEEK):
            raise Gone

    def handshake(self, required):
        if self.rest:
            self.visit.complaint = "the client spoke on before the handshake"
        self.visit.handshake = False
        try:
            self.c = self.server.contexts(self.server.script).wrap_socket(self.raw, server_side=True, suppress_ragged_eofs=True)
        except (ssl.SSLError, OSError, ValueError):
            if required:
                self.visit.complaint = "the client refused the handshake"
            raise Gone from None
        self.visit.handshake, self.tls = True, True
        self.visit.lines.append("-- TLS")

    def do_tls(self, _):
        self.handshake(True)

    def do_handshake_if(self, _):
        self.handshake(False)

    # Ways to end.
    def do_close(self, _):
        self.shut(socket.SHUT_RDWR)
        raise Gone

    def do_reset(self, _):
        self.c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raise Gone

    def do_half(self, _):
        self.shut(socket.SHUT_WR)
        self.drain()

    def do_goodbye(self, _):
        """close_notify."""
        self.c.settimeout(2)
        try:
            self.c.unwrap()
        except (ssl.SSLError, OSError, ValueError):
            pass
        raise Gone

    def shut(self, how):
        socket.socket.shutdown(self.c, how)

    def do_silence(self, _):
        self.server.holding.set()
        self.drain()

    # From here on a server that does as it should.
    def do_serve(self, words):
        getattr(self, "serve_" + self.server.script["protocol"])(words)

    def serve_imap(self, words):
        script = ImapScript.__new__(ImapScript)
        ImapScript.set_up(script, words or "IMAP4rev1 SASL-IR AUTH=PLAIN")
        script.boxes["INBOX"].add(message("one", 1, text="The text of one.\r\n"))
        script.talk(Connection(script, self), self)

    def serve_smtp(self, words):
        capabilities = words.split(",") if words else ["AUTH PLAIN LOGIN", "8BITMIME", "PIPELINING"]
        while True:
            line = self.line()
            verb = line[:4].upper().strip()
            if verb == "EHLO":
                self.send("".join(f"250-{c}\r\n" for c in ["rig.example"] + capabilities[:-1]).encode() + f"250 {capabilities[-1]}\r\n".encode())
            elif verb == "AUTH":
                self.sign_in_smtp(line)
            elif verb == "DATA":
                self.send(b"354 go on\r\n")
                while self.line() != ".":
                    pass
                self.send(b"250 queued\r\n")
            elif verb == "QUIT":
                self.send(b"221 bye\r\n")
                raise Gone
            else:
                self.send(b"250 ok\r\n")

    def sign_in_smtp(self, line):
        words = line.split()
        if words[1].upper() == "LOGIN":
            for prompt in (b"334 VXNlcm5hbWU6\r\n", b"334 UGFzc3dvcmQ6\r\n"):
                self.send(prompt)
                self.line()
        elif len(words) < 3:
            self.send(b"334 \r\n")
            self.line()
        self.send(b"235 welcome\r\n")

    # As imap_script's connections have them.
    def sendall(self, data):
        self.send(data)

    def readline(self):
        return self.line().encode("latin-1") + b"\r\n"

    def read(self, size):
        while len(self.rest) < size:
            self.rest += self.take()
        data, self.rest = self.rest[:size], self.rest[size:]
        return data

    def shutdown(self, how):
        self.shut(how)


class Contexts:
    """The server's TLS for a script: its certificate, and the versions and ciphers that it insists on."""

    def __init__(self, authority, table, folder):
        self.authority, self.table, self.folder, self.made = authority, table, folder, {}
        self.lock = threading.Lock()

    def pair(self, kind):
        with self.lock:
            if kind not in self.made:
                self.made[kind] = self.authority.make(**self.table[kind])
                self.made[kind].write(self.folder, kind)
            return self.made[kind]

    def __call__(self, script):
        kind = script.get("certificate", "good")
        self.pair(kind)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # old versions are what some scripts are about
            context.minimum_version = ssl.TLSVersion.TLSv1
            context.set_ciphers(script.get("ciphers", "ALL") + ":@SECLEVEL=0")
            if "most" in script:
                context.maximum_version = ssl.TLSVersion[script["most"]]
        context.load_cert_chain(f"{self.folder}/{kind}.pem", f"{self.folder}/{kind}.key")
        if "sni" in script:
            context.sni_callback = lambda tls, name, _: None if name == script["sni"] else ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME
        if script.get("client"):
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(f"{self.folder}/ca.pem")
        return context
