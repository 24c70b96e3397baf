"""An IMAP server with mailboxes in memory that does as RFC 3501 says, except for what a test says otherwise.

SEARCH knows UID sets and ALL; every other key is ignored, as Tencent's servers ignore them: everything comes back.
"""
import base64
import email
import email.utils
import re
import socket
import threading


class Mail:
    def __init__(self, uid, raw, flags=(), date="01-Nov-2026 10:00:00 +0000", structure=None, gm=None):
        self.uid, self.raw, self.flags, self.date, self.given = uid, raw, set(flags), date, structure
        self.gm = gm  # Gmail's number of the message, the same under every label

    @property
    def header(self):
        return self.raw.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"

    @property
    def text(self):
        return self.raw.partition(b"\r\n\r\n")[2]

    def structure(self):
        return self.given or '("TEXT" "PLAIN" ("CHARSET" "utf-8") NIL NIL "8BIT" %d %d)' % (len(self.text), self.text.count(b"\n"))

    def section(self, name):
        if name == "":
            return self.raw
        if name == "HEADER":
            return self.header
        if name in ("TEXT", "1"):
            return self.text
        if name.startswith("HEADER.FIELDS ("):
            wanted = name[15:-1].upper().split()
            lines = re.split(rb"\r\n(?![ \t])", self.header.rstrip(b"\r\n"))
            return b"".join(line + b"\r\n" for line in lines if line.partition(b":")[0].decode("latin-1").upper() in wanted) + b"\r\n"
        return None


class Box:
    def __init__(self, validity, attributes="\\HasNoChildren"):
        self.validity, self.next, self.mails, self.attributes = validity, 1, [], attributes

    def add(self, raw, flags=(), **more):
        self.mails.append(Mail(self.next, raw, flags, **more))
        self.next += 1
        return self.mails[-1].uid

    def of(self, numbers):
        last = self.mails[-1].uid if self.mails else 0
        found = set()
        for part in numbers.split(","):
            low, _, high = part.partition(":")
            low, high = (last if x == "*" else int(x) for x in (low, high or low))
            found |= {m.uid for m in self.mails if min(low, high) <= m.uid <= max(low, high)}
        return [m for m in self.mails if m.uid in found]


def message(subject, n=0, sender="Ann <ann@rig.test>", text="Hello.\r\n", **fields):
    head = {"From": sender, "To": "me@rig.test", "Subject": subject, "Message-ID": f"<{subject.replace(' ', '-')}.{n}@rig.test>",
            "Date": "Sun, 01 Nov 2026 10:00:00 +0000", **{k.replace("_", "-"): v for k, v in fields.items()}}
    return "".join(f"{k}: {v}\r\n" for k, v in head.items()).encode() + b"\r\n" + text.encode()


class ImapScript:
    """`fault(server, tag, verb, rest)`: True when it has answered itself, by server.say(). `auth`: what it announces before the sign-in.
    `tls`: a Certificate; without it everything is in the clear. `preset`: the provider whose preset the record names."""

    def __init__(self, capabilities="IMAP4rev1", fault=None, **more):
        self.set_up(capabilities, fault, **more)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def set_up(self, capabilities="IMAP4rev1", fault=None, auth="SASL-IR AUTH=PLAIN", tls=None, preset=None):
        """All but the listener: talk() serves who came by another way."""
        self.capabilities, self.fault, self.auth, self.tls, self.preset = capabilities, fault, auth, tls, preset
        self.commands, self.connections = [], []
        self.boxes = {"INBOX": Box(7), "Archive": Box(8), "Trash": Box(9, "\\Trash"), "Sent": Box(10, "\\Sent")}
        self.lock = threading.RLock()

    def record(self, credential="me", **more):
        way = {"ca_file": self.tls.ca_file} if self.tls else {"require_tls": False}
        return {"id": credential, "type": "mail", "email": "me@rig.test", "username": "me@rig.test", "authentication": "password",
                "imap": {"host": "127.0.0.1", "port": self.port, "tls": "implicit" if self.tls else "none"},
                **way, **({"provider": self.preset} if self.preset else {}), **more}

    def close(self):
        self.listener.close()

    def accept(self):
        while True:
            try:
                c, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(c,), daemon=True).start()

    def deliver(self, name, raw, **more):
        """A message arrives, and those who idle there are told."""
        with self.lock:
            uid = self.boxes[name].add(raw, **more)
            for c in self.connections:
                if c.idling and c.box is self.boxes[name]:
                    c.tell()
            return uid

    def count(self, verb):
        with self.lock:
            return len([c for c in self.commands if c.split(" ")[0] == verb or c.startswith(verb + " ")])

    def serve(self, c):
        try:
            c = self.tls.wrap(c) if self.tls else c
        except OSError:
            return
        here = Connection(self, c)
        try:
            with c, c.makefile("rb") as lines:
                here.lines = lines
                with self.lock:
                    self.connections.append(here)
                here.say(f"* OK [CAPABILITY {self.capabilities} {self.auth}] hello")
                self.talk(here, lines)
        except OSError:
            pass
        finally:
            with self.lock:
                if here in self.connections:
                    self.connections.remove(here)

    def talk(self, here, lines):
        """Commands from `lines`, answered by `here`, until the end."""
        while here.open:
            line = lines.readline()
            if not line:
                return
            while m := re.search(rb"\{(\d+)(\+?)\}\r\n$", line):
                if not m[2]:
                    here.say("+ go")
                line = line[:m.start()] + b'"' + lines.read(int(m[1])) + b'"' + lines.readline()
            with self.lock:
                here.take(line.rstrip(b"\r\n").decode())


class Connection:
    def __init__(self, server, c):
        self.server, self.c, self.open, self.box, self.idling = server, c, True, None, None
        self.told = 0  # the last EXISTS

    def say(self, text):
        self.c.sendall((text if isinstance(text, bytes) else text.encode()) + b"\r\n")

    def ask(self, challenge=b""):
        """A challenge within AUTHENTICATE, and the client's answer."""
        self.say(b"+ " + base64.b64encode(challenge))
        return base64.b64decode(self.lines.readline())

    def tell(self):
        self.told = len(self.box.mails)
        self.say(f"* {self.told} EXISTS")

    def cut(self):
        self.open = False
        self.c.shutdown(socket.SHUT_RDWR)

    def take(self, line):
        if self.idling and line.upper() == "DONE":
            self.server.commands.append("DONE")
            tag, self.idling = self.idling, None
            return self.say(f"{tag} OK done")
        tag, _, rest = line.partition(" ")
        verb, _, rest = rest.partition(" ")
        if verb == "UID":
            word, _, rest = rest.partition(" ")
            verb += " " + word
        self.server.commands.append(f"{verb} {rest}" if verb != "AUTHENTICATE" else verb)
        if not (self.server.fault and self.server.fault(self, tag, verb, rest)):
            self.answer(tag, verb, rest)

    def answer(self, tag, verb, rest):
        if verb == "IDLE" and "IDLE" in self.server.capabilities.split():
            self.idling = tag
            self.say("+ idling")
            if self.box and self.told != len(self.box.mails):
                self.tell()  # came since the client was told last
            return
        code = getattr(self, "do_" + verb.replace(" ", "_").lower(), lambda rest: None)(rest)
        self.say(code.replace("TAG", tag, 1) if code and code.startswith("TAG ") else f"{tag} OK {code + ' ' if code else ''}done")

    def name(self, text):
        return text.split('"')[1] if text.startswith('"') else text.split()[0]

    def do_capability(self, rest):
        self.say("* CAPABILITY " + self.server.capabilities)

    def do_logout(self, rest):
        self.say("* BYE bye")
        self.open = False

    def do_list(self, rest):
        for name, box in self.server.boxes.items():
            self.say(f'* LIST ({box.attributes}) "/" "{name}"')

    def do_select(self, rest):
        name = self.name(rest)
        if name not in self.server.boxes:
            self.box = None
            return "TAG NO [NONEXISTENT] no such mailbox"
        self.box = self.server.boxes[name]
        self.tell()
        self.say(f"* OK [UIDVALIDITY {self.box.validity}] x")
        self.say(f"* OK [UIDNEXT {self.box.next}] x")
        self.say("* OK [PERMANENTFLAGS (\\Seen \\Answered \\Flagged \\Deleted \\Draft \\*)] x")
        return "[READ-WRITE]"

    def do_examine(self, rest):
        return self.do_select(rest).replace("READ-WRITE", "READ-ONLY")

    def do_status(self, rest):
        box = self.server.boxes.get(self.name(rest))
        if box is None:
            return "TAG NO [NONEXISTENT] no such mailbox"
        unseen = len([m for m in box.mails if "\\Seen" not in m.flags])
        self.say(f'* STATUS "{self.name(rest)}" (MESSAGES {len(box.mails)} UIDNEXT {box.next} UIDVALIDITY {box.validity} UNSEEN {unseen})')

    def do_create(self, rest):
        self.server.boxes[self.name(rest)] = Box(100 + len(self.server.boxes))

    def do_uid_search(self, rest):
        sets = re.findall(r"\bUID ([\d:,*]+)", rest)
        mails = self.box.of(sets[0]) if sets else self.box.mails
        self.say("* SEARCH" + "".join(f" {m.uid}" for m in mails))

    def row(self, m, items):
        out = f"* {self.box.mails.index(m) + 1} FETCH (UID {m.uid}".encode()
        for word, value in (("FLAGS", lambda: "(" + " ".join(sorted(m.flags)) + ")"), ("RFC822.SIZE", lambda: str(len(m.raw))),
                            ("INTERNALDATE", lambda: f'"{m.date}"'), ("BODYSTRUCTURE", m.structure),
                            *((("X-GM-MSGID", lambda: m.gm), ("X-GM-THRID", lambda: m.gm)) if m.gm else ())):
            if re.search(rf"[ (]{re.escape(word)}\b", items):
                out += f" {word} {value()}".encode()
        for name, origin, length in re.findall(r"BODY\.PEEK\[([^\]]*)\](?:<(\d+)\.(\d+)>)?", items):
            data = m.section(name)
            if data is not None and length:
                data = data[int(origin):int(origin) + int(length)]
            head = f" BODY[{name}]" + (f"<{origin}>" if length else "")
            out += head.encode() + (b" NIL" if data is None else b" {%d}\r\n" % len(data) + data)
        return out + b")"

    def do_uid_fetch(self, rest):
        numbers, _, items = rest.partition(" ")
        for m in self.box.of(numbers):
            self.say(self.row(m, items))

    def do_uid_store(self, rest):
        numbers, how, flags = rest.split(" ", 2)
        flags = set(flags.strip("()").split())
        for m in self.box.of(numbers):
            m.flags = m.flags | flags if how.startswith("+") else m.flags - flags if how.startswith("-") else flags

    def copy(self, numbers, target):
        """[(here, there)] of what was copied; None where there is no such mailbox."""
        if target not in self.server.boxes:
            return None
        return [(m.uid, self.server.boxes[target].add(m.raw, m.flags - {"\\Recent"}, date=m.date)) for m in self.box.of(numbers)]

    def copyuid(self, pairs, target):
        if not pairs or "UIDPLUS" not in self.server.capabilities:
            return None
        return f"[COPYUID {self.server.boxes[target].validity} {','.join(str(a) for a, _ in pairs)} {','.join(str(b) for _, b in pairs)}]"

    def do_uid_copy(self, rest):
        numbers, _, target = rest.partition(" ")
        pairs = self.copy(numbers, self.name(target))
        return "TAG NO [TRYCREATE] no such mailbox" if pairs is None else self.copyuid(pairs, self.name(target))

    def do_uid_move(self, rest):
        numbers, _, target = rest.partition(" ")
        pairs = self.copy(numbers, self.name(target))
        if pairs is None:
            return "TAG NO [TRYCREATE] no such mailbox"
        if code := self.copyuid(pairs, self.name(target)):
            self.say(f"* OK {code} moved")
        self.remove({a for a, _ in pairs})

    def remove(self, uids):
        for m in [m for m in self.box.mails if m.uid in uids]:
            self.say(f"* {self.box.mails.index(m) + 1} EXPUNGE")
            self.box.mails.remove(m)

    def do_uid_expunge(self, rest):
        self.remove({m.uid for m in self.box.of(rest) if "\\Deleted" in m.flags})

    def do_expunge(self, rest):
        self.remove({m.uid for m in self.box.mails if "\\Deleted" in m.flags})
