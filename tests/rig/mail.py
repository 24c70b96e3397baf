"""Mail as a stranger sends it, and mailboxes as they lie on the disk: the outside view that tests compare with."""
import email
import email.message
import email.policy
import email.utils
import os
import socket
import sys
import threading
import time

import cyrus
from servers import RigError


class Smtp:
    """The least of SMTP that pipelines (RFC 2920): one round trip a message."""

    def __init__(self, host, port):
        self.s = socket.create_connection((host, port), timeout=60)
        self.s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.replies = self.s.makefile("rb")
        self.expect(b"220")
        self.s.sendall(b"EHLO outside.example\r\n")
        self.expect(b"250")

    def expect(self, code):
        while True:
            line = self.replies.readline()
            if not line:
                raise RigError("Postfix closed the connection")
            if line[3:4] != b"-":
                break
        if not line.startswith(code):
            raise RigError(f"Postfix refused: {line.decode(errors='replace').strip()}")

    def send(self, messages):
        """messages: [(sender, recipient, bytes with CRLF)]"""
        def envelope(m):
            return b"MAIL FROM:<%s>\r\nRCPT TO:<%s>\r\nDATA\r\n" % (m[0].encode(), m[1].encode())
        self.s.sendall(envelope(messages[0]))
        for i, m in enumerate(messages):
            for code in (b"250", b"250", b"354"):
                self.expect(code)
            stuffed = (b"\r\n" + m[2]).replace(b"\r\n.", b"\r\n..")[2:]
            follow = envelope(messages[i + 1]) if i + 1 < len(messages) else b"QUIT\r\n"
            self.s.sendall(stuffed + (b"" if stuffed.endswith(b"\r\n") else b"\r\n") + b".\r\n" + follow)
            self.expect(b"250")
        self.s.close()


def compose(a, n):
    m = email.message.EmailMessage(policy=email.policy.SMTP)
    m["Date"] = email.utils.localtime()
    m["From"], m["To"] = a.sender, a.to
    m["Subject"] = a.subject.replace("{n}", str(n))
    m["Message-ID"] = a.message_id.replace("{n}", str(n)) if a.message_id else email.utils.make_msgid(domain="outside.example")
    for header in a.header:
        name, _, value = header.partition(":")
        m[name.strip()] = value.strip()
    m.set_content(a.body.replace("{n}", str(n)))
    return m["Message-ID"], m.as_bytes()


def bare(address):
    return email.utils.parseaddr(address)[1]


def deliver(info, a):
    if a.file:
        data = sys.stdin.buffer.read() if a.file == "-" else open(a.file, "rb").read()
        data = data.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
        known = str(email.message_from_bytes(data).get("Message-ID", "")).strip()
        made = [(known, data)] * a.count
    else:
        made = [compose(a, n) for n in range(1, a.count + 1)]
    batch = [(bare(a.sender), bare(a.to), data) for _, data in made]
    lanes = a.connections or (4 if a.count >= 100 else 1)
    before = len(files(info, bare(a.to), "INBOX")) if a.wait else 0
    errors = []
    def lane(part):
        try:
            Smtp(info["host"], info["smtp_mx_port"]).send(part)
        except (OSError, RigError) as e:
            errors.append(e)
    sent_at, start = time.time(), time.monotonic()
    threads = [threading.Thread(target=lane, args=(batch[i::lanes],)) for i in range(lanes) if batch[i::lanes]]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    if errors:
        raise errors[0]
    seconds = time.monotonic() - start
    if a.wait:
        wait_for(info, bare(a.to), "INBOX", before + a.count, a.wait)
    return {"accepted": len(batch), "seconds": round(seconds, 3), "sent_at": sent_at, "message_ids": [m for m, _ in made]}


def files(info, user, folder):
    if info["imap"] == "cyrus":
        return cyrus.files(info, user, folder)
    base = f"{info['dir']}/mail/{user.lower()}/Maildir" + ("" if folder == "INBOX" else "/." + folder.replace("/", "."))
    found = []
    for sub in ("new", "cur"):
        try:
            found += [f"{base}/{sub}/{name}" for name in os.listdir(f"{base}/{sub}")]
        except FileNotFoundError:
            pass
    return sorted(found, key=lambda p: [int(x) if x.isdigit() else x for x in os.path.basename(p).replace("M", ".").split(".")[:2]])


def wait_for(info, user, folder, n, seconds):
    until = time.monotonic() + seconds
    while True:
        found = files(info, user, folder)
        if len(found) >= n:
            return found
        if time.monotonic() > until:
            raise RigError(f"{len(found)} of {n} messages arrived in {folder} of {user} within {seconds:g} s; "
                           f"Postfix's log: {info['logs']['postfix']}")
        time.sleep(0.05)


def describe(path):
    with open(path, "rb") as f:
        raw = f.read()
    m = email.message_from_bytes(raw, policy=email.policy.default)
    part = m.get_body(("plain", "html"))
    def text(name):
        return str(m[name]) if m[name] is not None else None
    try:
        body = part.get_content() if part else ""
    except (LookupError, ValueError):
        body = part.get_payload(decode=True).decode("utf-8", "replace")
    return {"message_id": text("Message-ID"), "subject": text("Subject"), "from": text("From"), "to": text("To"),
            "in_reply_to": text("In-Reply-To"), "references": text("References"), "date": text("Date"), "body": body,
            "attachments": [p.get_filename() for p in m.iter_attachments()],
            "size": len(raw), "arrived": os.stat(path).st_mtime, "flags": path.partition(":2,")[2], "file": path}


def maildir(info, user, folder, n, timeout):
    found = wait_for(info, user, folder, n, timeout) if n else files(info, user, folder)
    listed = []
    for path in found:
        try:
            listed.append(describe(path))
        except FileNotFoundError:  # moved from new to cur by a client meanwhile
            moved = path.replace("/new/", "/cur/")
            listed += [describe(p) for p in files(info, user, folder) if p.startswith(moved)]
    return listed
