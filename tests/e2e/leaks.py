"""Planted secrets, looked for in all that a host wrote: plain, in base64 at each of its three alignments (so also within a SASL response), in hex, URL-encoded
and as JSON writes them. What is found is told by file and kind, never by its words. harness.Host does this at its end, for every test.

    leaks.py build/release/Testing/Temporary/LastTest.log     adds up what the tests of a whole run say
"""
import base64
import json
import os
import re
import sqlite3
import sys
import urllib.parse

SHORTEST = 8  # what is shorter stands in other words by chance: such a secret cannot be looked for, and is refused
CHUNK = 8 << 20
MANY = 48  # from so many forms on those that are single words are looked for among the words, each taken once
WORD = re.compile(rb"[A-Za-z0-9+/=_%%.~-]{%d,}" % SHORTEST)
TOTAL = {"hosts": 0, "files": 0, "bytes": 0, "secrets": 0, "forms": 0, "found": 0}  # of this process


def base64_forms(raw):
    """As it stands within base64, whatever is ahead of it: what depends on its neighbours is left out."""
    for ahead in range(3):
        text = base64.b64encode(bytes(ahead) + raw)
        part = text[(ahead * 8 + 5) // 6:(ahead + len(raw)) * 8 // 6]
        yield part
        yield part.translate(bytes.maketrans(b"+/", b"-_"))


def forms(raw):
    """{bytes: what form it is}"""
    out = {raw: "plain", raw.hex().encode(): "hex", raw.hex().upper().encode(): "hex"}
    for part in base64_forms(raw):
        out.setdefault(part, "base64")
    quoted = urllib.parse.quote_from_bytes(raw, safe="")
    lower = re.sub("%..", lambda m: m.group().lower(), quoted)
    for text in (quoted, lower, quoted.replace("%20", "+"), lower.replace("%20", "+")):
        out.setdefault(text.encode(), "URL-encoded")
    text = raw.decode(errors="replace")
    for ascii in (False, True):
        out.setdefault(json.dumps(text, ensure_ascii=ascii)[1:-1].encode(), "JSON")
    return out


def parts(secret):
    """What of it is looked for: a key in PEM by each whole line of its own (a text may have it with other line ends), all else as it is."""
    raw = (secret.encode() if isinstance(secret, str) else secret).strip(b"\r\n")
    if b"-----BEGIN" not in raw:
        return [raw]
    lines = [line.strip() for line in raw.splitlines()]
    longest = max(len(line) for line in lines if b"-----" not in line)
    return [line for line in lines if b"-----" not in line and len(line) == longest]


class Search:
    """The secrets planted with one host."""

    def __init__(self):
        self.needles, self.secrets, self.findings, self.files, self.bytes = {}, set(), [], 0, 0

    def plant(self, kind, secret):
        for part in parts(secret):
            if len(part) < SHORTEST:
                raise AssertionError(f"{kind}: a planted secret of {len(part)} bytes cannot be looked for; give it at least {SHORTEST}")
            if part not in self.secrets:
                self.secrets.add(part)
                for form, name in forms(part).items():
                    self.needles.setdefault(form, f"{kind} ({name})")

    def prepared(self):
        words = [n for n in self.needles if WORD.fullmatch(n)] if len(self.needles) > MANY else []
        return words, [n for n in self.needles if n not in set(words)], max(map(len, self.needles), default=1)

    def look(self, where, pieces):
        """pieces: bytes in order; a needle that lies across two is found, too."""
        words, others, longest = self.prepared()
        kept = b""
        for piece in pieces:
            self.bytes += len(piece)
            data = kept + piece
            for wanted, text in ((others, data), (words, b"\n".join(set(WORD.findall(data))) if words else b"")):
                for needle in wanted:
                    if needle in text and (finding := f"{where}: {self.needles[needle]}") not in self.findings:
                        self.findings.append(finding)
            kept = data[-(longest - 1):] if longest > 1 else b""

    def file(self, path, where):
        self.files += 1
        with open(path, "rb") as f:
            self.look(where, iter(lambda: f.read(CHUNK), b""))
            f.seek(0)
            if f.read(16) == b"SQLite format 3\0":
                self.look(where + ", a value", self.values(path))

    @staticmethod
    def values(path):
        """What the tables hold: a long value lies in pages apart, and may be cut there in the file. No host has it open any more."""
        db = sqlite3.connect(path, timeout=10)
        db.text_factory = bytes
        try:
            for (table,) in db.execute("SELECT name FROM sqlite_master WHERE type='table' AND sql NOT LIKE 'CREATE VIRTUAL%'").fetchall():
                for row in db.execute('SELECT * FROM "%s"' % table.decode().replace('"', '""')):
                    yield b"\0".join(v for v in row if isinstance(v, bytes))
                    yield b"\0" * 4
        except sqlite3.DatabaseError:
            pass  # a test broke it; its bytes were looked through all the same
        finally:
            db.close()

    def folder(self, folder, leave=lambda path: False):
        """Every file below, but for those that the test wrote itself to plant what is in them."""
        for at, _, names in os.walk(folder):
            for name in sorted(names):
                path = os.path.join(at, name)
                if not os.path.islink(path) and os.path.isfile(path) and not leave(path):
                    self.file(path, os.path.relpath(path, folder))

    def verdict(self, what):
        """Adds up; fails with what was found."""
        for key, value in (("hosts", 1), ("files", self.files), ("bytes", self.bytes), ("secrets", len(self.secrets)), ("forms", len(self.needles)),
                           ("found", len(self.findings))):
            TOTAL[key] += value
        if self.findings:
            raise AssertionError(f"a planted secret stands in what {what} wrote: " + "; ".join(self.findings[:20]))


SUMMARY = "secrets: {secrets} planted, looked for in {forms} forms in {files} files, {bytes:,} bytes, of {hosts} hosts: {found} found"


def summary():
    return SUMMARY.format(**TOTAL)


def add_up(log):
    """The sum of the summaries in a log, and how many there were."""
    total, tests = dict.fromkeys(TOTAL, 0), 0
    line = re.compile("^" + re.sub(r"\\{(\w+)(:,)?\\}", r"(?P<\1>[0-9,]+)", re.escape(SUMMARY)) + "$", re.M)
    for found in line.finditer(log):
        tests += 1
        for key, value in found.groupdict().items():
            total[key] += int(value.replace(",", ""))
    return SUMMARY.format(**total) + f" ({tests} tests)"


if __name__ == "__main__":
    with open(sys.argv[1], errors="replace") as f:
        print(add_up(f.read()))
