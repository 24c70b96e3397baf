#!/usr/bin/env python3
"""Parsing mail that is already in memory: a mailbox of multipart/alternative, UTF-8 headers, every third with an attachment.

  parse.py [--megabytes N] [--rounds R]    default 39 and 5; a table goes to docs/benchmarks.md; exit status 1 if GMime is faster

Everybody in turn, several times, each time in a process of its own; the medians count. Mailroom gives all it gives to a caller of email_parse
(every header field decoded, text and HTML as UTF-8, attachments decoded and hashed); GMime, mimetic and Python decode transfer encodings only.
"""
import argparse
import base64
import json
import os
import random
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import report
from report import median

PROGRAMS = {"ours": "parse_ours", "gmime": "parse_gmime", "mimetic": "parse_mimetic"}
WORDS = ("Grüße Angebot Übergabe Straße Lieferung Rechnung café naïve Москва доставка встреча 会议 资料 見積 納品 회의 자료 invoice meeting report "
         "please find attached the minutes of yesterday and the plan for next week thanks").split()
CHARSETS = (("utf-8", None), ("iso-8859-1", "Grüße aus Köln, die Übergabe wäre am Mittwoch möglich. "), ("windows-1252", "Preis: 1.200 € „wie besprochen“ – größer als üblich. "),
            ("koi8-r", "Добрый день, встреча перенесена на среду. "), ("gb2312", "会议资料已经发送请查收谢谢。"), ("iso-2022-jp", "見積書をお送りします。よろしくお願いいたします。"))


def word(rng, text, charset="utf-8"):
    raw = text.encode(charset)
    if rng.random() < 0.5:
        return f"=?{charset}?B?{base64.b64encode(raw).decode()}?="
    return f"=?{charset}?Q?" + "".join(chr(b) if chr(b).isascii() and chr(b).isalnum() else "_" if b == 32 else f"={b:02X}" for b in raw) + "?="


def quoted_printable(raw):
    import quopri
    return quopri.encodestring(raw).replace(b"\n", b"\r\n")


def message(rng, i):
    """One message as bytes with CRLF."""
    say = lambda n: " ".join(rng.choice(WORDS) for _ in range(n))
    people = [f"{word(rng, say(2))} <person{rng.randrange(1000)}@example.org>" for _ in range(rng.randint(1, 6))]
    charset, phrase = CHARSETS[i % len(CHARSETS)]
    lines = [(phrase * rng.randint(1, 3) if phrase else say(12)) for _ in range(rng.randint(10, 120))]
    text = "\n".join(lines).encode(charset, "replace")
    html = ("<html><body>" + "".join(f"<p>{line}</p>\n" for line in lines) + "</body></html>").encode(charset, "replace")
    part = lambda kind, raw: (f"Content-Type: text/{kind}; charset={charset}\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n".encode() +
                              quoted_printable(raw) + b"\r\n")
    body = (b"--alt%d\r\n" % i + part("plain", text) + b"--alt%d\r\n" % i + part("html", html) + b"--alt%d--\r\n" % i)
    kind = b"Content-Type: multipart/alternative; boundary=alt%d\r\n" % i
    if i % 3 == 0:
        name = "".join(f"%{b:02X}" for b in f"{say(2)} {i}.pdf".encode())
        encoded = base64.encodebytes(rng.randbytes(rng.randint(2_000, 300_000))).replace(b"\n", b"\r\n")
        body = (b"--mix%d\r\n" % i + kind + b"\r\n" + body + b"--mix%d\r\nContent-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n" % i +
                f"Content-Disposition: attachment;\r\n filename*0*=utf-8''{name[:60]};\r\n filename*1*={name[60:] or 'x'}\r\n\r\n".encode() + encoded +
                b"--mix%d--\r\n" % i)
        kind = b"Content-Type: multipart/mixed; boundary=mix%d\r\n" % i
    received = "".join(f"Received: from relay{k}.example.net (relay{k}.example.net [192.0.2.{k}])\r\n\tby mx.example.org with ESMTPS id {rng.randrange(10**12)};"
                       f"\r\n\tMon, 23 Nov 2026 10:0{k}:00 +0000\r\n" for k in range(5))
    head = (f"{received}From: {people[0]}\r\nTo: " + ",\r\n ".join(people) + f"\r\nSubject: {word(rng, say(3))}\r\n {word(rng, say(3))}\r\n"
            f"Date: Mon, 23 Nov 2026 10:00:00 +0100\r\nMessage-ID: <{i}.{rng.randrange(10**9)}@example.org>\r\nMIME-Version: 1.0\r\n")
    return head.encode() + kind + b"\r\n" + body


def write_mailbox(path, megabytes):
    rng, total = random.Random(39), 0
    with open(path, "wb") as f:
        i = 0
        while total < megabytes * 1_000_000:
            raw = message(rng, i)
            f.write(b"%d\n" % len(raw) + raw)
            total += len(raw)
            i += 1


def python_email(path):
    """Python's own parser, in a process of its own as the others."""
    import email
    import email.policy
    messages = []
    with open(path, "rb") as f:
        while line := f.readline():
            messages.append(f.read(int(line)))
    begin, parts, decoded = time.perf_counter(), 0, 0
    for raw in messages:
        m = email.message_from_bytes(raw, policy=email.policy.default)
        str(m["subject"]), str(m["from"]), str(m["to"])
        for part in m.walk():
            if not part.is_multipart():
                parts += 1
                payload = part.get_payload(decode=True)
                decoded += len(payload) if part.get_content_maintype() != "text" else 0
    took = time.perf_counter() - begin
    print(json.dumps({"seconds": took, "bytes": sum(map(len, messages)), "messages": len(messages), "parts": parts, "decoded": decoded}))


def run(name, path):
    argv = [sys.executable, os.path.abspath(__file__), "--python-email", path] if name == "python" else [
        os.path.join(report.BUILD, "bench", PROGRAMS[name]), path, "1"]
    return json.loads(subprocess.run(argv, check=True, stdout=subprocess.PIPE, text=True).stdout)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--megabytes", type=int, default=39)
    p.add_argument("--rounds", type=int, default=5)
    p.add_argument("--python-email", metavar="MAILBOX", help=argparse.SUPPRESS)
    a = p.parse_args()
    if a.python_email:
        python_email(a.python_email)
        return 0
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "mailbox")
        write_mailbox(path, a.megabytes)
        rates, seen = {name: [] for name in ("ours", "gmime", "mimetic", "python")}, {}
        for i in range(a.rounds + 1):
            for name in rates:
                if name == "python" and i not in (1, a.rounds):  # slow: twice are enough
                    continue
                figures = run(name, path)
                seen[name] = figures
                if i:
                    rates[name].append(figures["bytes"] / figures["seconds"] / 1e6)
    for name, figures in seen.items():
        if (figures["parts"], figures["decoded"]) != (seen["gmime"]["parts"], seen["gmime"]["decoded"]):
            raise RuntimeError(f"{name} saw other parts than GMime: {figures} and {seen['gmime']}")
    rate = {name: median(all) for name, all in rates.items()}
    names = {"ours": "Mailroom: headers, charsets, text, HTML, attachments decoded and hashed", "gmime": "GMime: subject, addresses, parts decoded",
             "mimetic": "mimetic alone: parts decoded", "python": "Python `email`: subject, addresses, parts decoded"}
    rows = [[names[n], f"{rate[n]:,.0f}", f"{rate['ours'] / rate[n]:.2f}"] for n in rate]
    text = report.table(["", "MB/s", "Mailroom is times as fast"], rows)
    ratio = rate["ours"] / rate["gmime"]
    line = f"times GMime's rate: {ratio:.2f} ({'reached' if ratio >= 1 else 'missed'}: at least 1)"
    print(text + "\nparse: " + line)
    report.write_section("parse", f"## Parsing\n\n{seen['ours']['messages']:,} messages, {seen['ours']['bytes'] / 1e6:.0f} MB in memory (multipart/alternative in six "
                         f"charsets, encoded headers, every third with an attachment of 2 to 300 KB), one core, medians of {a.rounds}:\n\n{text}\n\n- {line}")
    return 0 if ratio >= 0.8 else 1


if __name__ == "__main__":
    sys.exit(main())
