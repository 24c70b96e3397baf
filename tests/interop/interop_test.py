#!/usr/bin/env python3
"""What the composer writes is read back unchanged by parsers of others.

  interop_test.py [--count 2400] [--seed 1]     needs MAILROOM_BUILD_DIR; prints the counts; exit status 1 for any difference

compose_corpus makes the messages and says what went in. Each reader (Python's email, GMime, npm's mailparser) reads all of them in one
process and prints a line of JSON a message: file, date (unix seconds), subject, message_id, in_reply_to, references, x (X-Mailroom-Test), from, to,
cc, bcc, reply_to (lists of [name, address]), text, html, attachments (name, type, size, sha256, cid, inline; in the order of the message).
A reader decides nothing; what is right is decided here, from what went in.

Where a reader is wrong, EXCUSES says so: the reader, the field, what exactly it does to which values, and why that is its own fault.
"""
import argparse
import base64
import collections
import glob
import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.join(HERE, "../..")
BUILD = os.environ.get("MAILROOM_BUILD_DIR", os.path.join(SOURCE, "build/release"))
sys.path.insert(0, os.path.join(SOURCE, "tests/js"))
import modules  # noqa: E402  (tests/js/modules.py)

DATA = re.compile(r"""(<IMG alt='y' SRC=')data:image/gif;base64,([^']*)'""")
CID = re.compile(r"""(<IMG alt='y' SRC=')cid:([^']*)'""")


def readers():
    js = os.path.join(SOURCE, "tests/js/read_mailparser.js")
    yield "python", [sys.executable, os.path.join(HERE, "read_python.py")], {}
    yield "gmime", [os.path.join(BUILD, "tests/read_gmime")], {}
    yield "mailparser", ["node", js], {"NODE_PATH": modules.node_modules()}


def digest(data):
    return hashlib.sha256(data).hexdigest()


def lf(text):
    return None if text is None else text.replace("\r\n", "\n")


def ids(value):
    return re.findall(r"<([^<>]*)>", value or "")


def normal_expected(e):
    """What a reader must see: data: URIs are parts of their own, each different image once, behind the attachments that are inline."""
    e = dict(e, bcc=[], subject=e["subject"] or None, x=e["x"] or None)
    e["in_reply_to"] = [e["in_reply_to"]] if e["in_reply_to"] else []
    images, known = [], set()
    for _, text in DATA.findall(e["html"] or ""):
        data = base64.b64decode(text)
        if data not in known:
            known.add(data)
            images.append({"type": "image/gif", "size": len(data), "sha256": digest(data), "inline": True,
                           "name": f"image{len(known)}.gif"})
    files = e["attachments"]
    e["attachments"] = [f for f in files if f["inline"]] + images + [f for f in files if not f["inline"]]
    e["html"] = DATA.sub(lambda m: m[1] + digest(base64.b64decode(m[2])) + "'", e["html"]) if e["html"] is not None else None
    return e


def normal_read(r, expected):
    by_cid = {a["cid"]: a["sha256"] for a in r["attachments"] if a["cid"]}
    r = dict(r, subject=r["subject"] or None, x=r["x"] or None)
    for field in ("from", "to", "cc", "bcc", "reply_to"):
        r[field] = [[name, ascii_domain(address)] for name, address in r[field]]
    r["text"], r["html"] = lf(r["text"]), lf(r["html"])
    r["message_id"] = (r["message_id"] or "").strip("<>")
    r["in_reply_to"], r["references"] = ids(r["in_reply_to"] if "<" in (r["in_reply_to"] or "") else f"<{r['in_reply_to'] or ''}>"), ids(r["references"])
    r["in_reply_to"] = [i for i in r["in_reply_to"] if i]
    if r["html"] is not None:
        r["html"] = CID.sub(lambda m: m[1] + by_cid.get(m[2], "no part for " + m[2]) + "'", r["html"])
    if expected["text"] is None:
        r["text"] = None  # made from the HTML: what it says is not this test's matter
    # Only the images made from data: URIs have an id of the composer's own choice.
    r["attachments"] = [{k: v for k, v in a.items() if k != "cid" or not re.match(r"image\d+\.token-", v)} for a in r["attachments"]]
    return r


def squeezed(people):
    return [["".join(name.split()), address] for name, address in people]


def python_blanks(e, want, got):
    """_header_value_parser.get_phrase() keeps the white space between two encoded words as a blank, where RFC 2047 6.2 drops it, and makes one
    blank of several in a name. Its subjects, decoded by other code, show that the words are good; so do the names that the others read."""
    def words(name):  # needs more than one
        return len(name.encode()) > 40 and sum(1 if chr(c).isalnum() and c < 128 else 3 for c in name.encode()) > 58

    return squeezed(want) == squeezed(got) and all(w == g or words(w[0]) or "  " in w[0] for w, g in zip(want, got))


def stripped_names(e, want, got):
    """GMime (and mailparser, before an ASCII address with more than letters) takes blanks away from the ends of a decoded name; GMime keeps the
    fold in a name of plain words when there is UTF-8 in the field (it unfolds only what it decodes)."""
    return len(want) == len(got) and all(g in (w, [w[0].strip(), w[1]]) for w, g in
                                         zip(want, ([g[0].replace("\r\n ", " "), g[1]] for g in got)))


def empty_body(e, want, got):
    """mailparser gives an empty body one line end, or where another part follows, no text."""
    return want == "" and got in ("\n", None)


def guessed_type(e, want, got):
    """mailparser replaces application/octet-stream by what the name says (detectMimeType in its source, on purpose)."""
    same = [dict(g, type=w["type"]) if w["type"] == "application/octet-stream" else g for w, g in zip(want, got)]
    return len(want) == len(got) and want == same


NAMES = ("from", "to", "cc", "reply_to")
EXCUSES = [("python", NAMES, python_blanks), ("gmime", NAMES, stripped_names), ("mailparser", NAMES, stripped_names),
           ("mailparser", ("text",), empty_body), ("mailparser", ("attachments",), guessed_type)]


def ascii_domain(address):
    """Some readers show a domain in its Unicode form."""
    local, _, domain = address.rpartition("@")
    return local + "@" + (domain if domain.isascii() else domain.encode("idna").decode())


def differences(reader, expected, read):
    for field in ("date", "subject", "message_id", "in_reply_to", "references", "x", "from", "to", "cc", "bcc", "reply_to", "text", "html", "attachments"):
        want, got = expected[field], read[field]
        if want == got:
            continue
        if any(reader == r and field in fields and excuse(expected, want, got) for r, fields, excuse in EXCUSES):
            yield field, None, None
        else:
            yield field, want, got


def wire_problem(data, expected):
    """The rules of the wire (RFC 5322 2.1.1, 2.3), judged from the bytes."""
    lines = data.split(b"\r\n")
    header = data[:data.index(b"\r\n\r\n")]
    if lines[-1] != b"":
        return "does not end in CRLF"
    if any(b"\r" in line or b"\n" in line or b"\0" in line for line in lines):
        return "has a bare CR, a bare LF or a NUL"
    if any(len(line) > 998 for line in lines):
        return "has a line of more than 998 bytes"
    if not expected["eight_bit"] and any(c >= 128 for c in data[len(header):]):
        return "has 8-bit bytes in a body and does not say so"
    if not expected["smtputf8"] and any(c >= 128 for c in header):
        return "has 8-bit bytes in its header and does not say so"
    for line in header.split(b"\r\n"):
        # Longer only where there is nothing to break at.
        if len(line) > 78 and b" " in line.strip().split(b": ", 1)[-1]:
            return "has a header line of more than 78 bytes that could be folded: " + repr(line)
    return None


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--count", type=int, default=2400)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--show", type=int, default=5, help="differences of each kind that are printed")
    a = p.parse_args()
    failed = 0
    with tempfile.TemporaryDirectory(prefix="mailroom-interop-") as folder:
        subprocess.run([os.path.join(BUILD, "tests/compose_corpus"), folder, str(a.count), str(a.seed)], check=True)
        files = sorted(glob.glob(os.path.join(folder, "*.eml")))
        with open(os.path.join(folder, "expected.jsonl"), encoding="utf-8") as f:
            raw = [json.loads(line) for line in f]
        assert len(files) == len(raw) == a.count
        for path, e in zip(files, raw):
            with open(path, "rb") as f:
                problem = wire_problem(f.read(), e)
            if problem:
                print(f"{e['file']}: {problem}")
                failed += 1
        expected = [normal_expected(e) for e in raw]
        parts = sum(len(e["attachments"]) for e in expected)
        print(f"{a.count} messages of seed {a.seed}, {parts} files in them; the rules of the wire: {failed} broken")
        for name, command, extra in readers():
            found = subprocess.run(command + files, env=dict(os.environ, **extra), stdout=subprocess.PIPE, check=True)
            read = [json.loads(line) for line in found.stdout.decode().splitlines()]
            assert [r["file"] for r in read] == [e["file"] for e in expected], f"{name} did not read all messages"
            shown, excused, bad = collections.Counter(), collections.Counter(), 0
            for e, r in zip(expected, read):
                for field, want, got in differences(name, e, normal_read(r, e)):
                    if want is None and got is None:
                        excused[field] += 1
                        continue
                    bad += 1
                    shown[field] += 1
                    if shown[field] <= a.show:
                        print(f"{name}: {e['file']}: {field}\n  put in {want!r}\n  read   {got!r}"[:3000])
            words = ", ".join(f"{field} {n}" for field, n in sorted(excused.items()))
            print(f"{name}: {len(read)} read, {bad} differences; its own faults: {words or 'none'}")
            failed += bad
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
