"""A mailbox for the benches, from a seed: multipart/alternative, UTF-8 headers, every third message with an attachment of 2 to 300 KB."""
import base64
import os
import random

WORDS = ("Grüße Angebot Übergabe Straße Lieferung Rechnung café naïve Москва доставка встреча 会议 资料 見積 納品 invoice meeting report please find "
         "attached the minutes of yesterday and the plan for next week thanks").split()
TEXT = 4_800  # bytes of a message's plain text, about; its HTML has about twice as many


def word(text):
    return "=?utf-8?B?" + base64.b64encode(text.encode()).decode() + "?="


def quoted_printable(text):
    import quopri
    return quopri.encodestring(text.encode()).decode("ascii")


def paragraphs(rng, n):
    """n paragraphs, plain and HTML, quoted-printable: written once and dealt out, so that 5,000 messages take a second."""
    plain, html = [], []
    for _ in range(n):
        text = " ".join(rng.choice(WORDS) for _ in range(60)) + "\n\n"
        plain.append(quoted_printable(text))
        html.append(quoted_printable(f'<p style="margin:0 0 1em">{text.strip()} <a href="https://example.org/{rng.randrange(10**9)}">more</a></p>\n'))
    return plain, html


def message(rng, i, pool, noise):
    plain, html = pool
    text, markup, size = [], [], 0
    while size < TEXT * rng.uniform(0.5, 1.5):
        k = rng.randrange(len(plain))
        text.append(plain[k])
        markup.append(html[k] * 2)
        size += len(plain[k])
    kind = f'multipart/alternative; boundary="alt-{i}"'
    part = lambda of, lines: f'--alt-{i}\nContent-Type: text/{of}; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n\n{"".join(lines)}\n'
    body = part("plain", text) + part("html", ["<html><body>"] + markup + ["</body></html>"]) + f"--alt-{i}--\n"
    if i % 3 == 0:
        n = rng.randint(2_000, 300_000) // len(noise[0])
        at = rng.randrange(len(noise) - n)
        body = (f"--mix-{i}\nContent-Type: {kind}\n\n{body}--mix-{i}\nContent-Type: application/pdf\nContent-Transfer-Encoding: base64\n"
                f"Content-Disposition: attachment; filename*=utf-8''Rechnung%20Nr.%20{i}%20f%C3%BCr%20Z%C3%BCrich.pdf\n\n"
                f"{''.join(noise[at:at + n])}--mix-{i}--\n")
        kind = f'multipart/mixed; boundary="mix-{i}"'
    return (f"Return-Path: <person{i % 997}@example.org>\nReceived: from mx.example.org (mx.example.org [192.0.2.1]) by in.example.net; "
            f"Mon, 23 Nov 2026 10:00:00 +0000\nFrom: {word(rng.choice(WORDS) + ' Müller')} <person{i % 997}@example.org>\n"
            f"To: {word('Einkauf Zürich')} <buy@rig.test>\nSubject: {word(' '.join(rng.choice(WORDS) for _ in range(4)))}\n"
            f"Date: Mon, 23 Nov 2026 10:00:00 +0100\nMessage-ID: <{i}.{rng.randrange(10**9)}@example.org>\nMIME-Version: 1.0\n"
            f"Content-Type: {kind}\n\n{body}")


def fill(maildir, owner, count, seed=328):
    """`count` messages as files of `maildir`, of the user `owner` (uid, gid); their bytes on the wire, CRLF line ends."""
    rng = random.Random(seed)
    pool, noise = paragraphs(rng, 200), base64.encodebytes(rng.randbytes(800_000)).decode().splitlines(keepends=True)
    for sub in ("", "cur", "new", "tmp"):
        os.makedirs(os.path.join(maildir, sub), mode=0o700, exist_ok=True)
        os.chown(os.path.join(maildir, sub), *owner)
    total = 0
    for i in range(count):
        raw = message(rng, i, pool, noise).encode()
        wire = len(raw) + raw.count(b"\n")
        path = os.path.join(maildir, "cur", f"{1_790_000_000 + i}.M{i}P1.bench,S={len(raw)},W={wire}:2,S")
        with open(path, "wb") as f:
            f.write(raw)
        os.chown(path, *owner)
        total += wire
    return total
