#!/usr/bin/env python3
"""Every slot that a caller fills, with every trick that ends a line or an address somewhere: nothing of it may become a command, a header or
a recipient. The verdict comes from the raw bytes at a sink, and from what a strict Postfix made of the same messages."""
import base64
import collections
import email
import email.policy
import json
import os
import re
import sys
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import Host, Rig, main, wait_for
from sink import Sink

FAST = {"messages_per_minute": 100000, "recipient_domain_per_minute": 100000}
EVIL = "evil@outside.example"
PAYLOADS = ["Bcc: " + EVIL, "X-Evil: yes", "\r\nX-Evil: yes\r\n\r\nbody", "RCPT TO:<" + EVIL + ">"]
ENDS = {"CRLF": "\r\n", "CR": "\r", "LF": "\n", "LFCR": "\n\r", "CRLF space": "\r\n ", "NUL": "\0", "VT": "\v", "FF": "\f", "NEL": "\u0085",
        "LS": "\u2028", "PS": "\u2029", "FS": "\x1c", "percent": "%0d%0a", "escape": "\\r\\n", "entity": "&#13;&#10;", "backspace": "\x08",
        "full-width": "\uff0d\u560a\u560d",  # whose low bytes are CR and LF
        "word Q": "=?utf-8?Q?=0D=0A?=", "word B": "=?utf-8?B?DQo=?=", "2231": "*=utf-8''%0D%0A", "quote": "\"\r\n", "comma": ", ",
        "angle": "> ", "semicolon": ";", "bidi": "\u202e", "zero width": "\u200b\r\n\u200b"}
# What may stand in a message, once each; the values are checked where they matter.
FIELDS = {"date", "from", "to", "cc", "reply-to", "subject", "message-id", "mime-version", "content-type", "content-transfer-encoding",
          "auto-submitted", "x-note"}
PART_FIELDS = {"content-type", "content-transfer-encoding", "content-disposition", "content-id"}
COMMANDS = re.compile(rb"(EHLO [A-Za-z0-9.\[\]-]+|AUTH PLAIN [A-Za-z0-9+/=]+|MAIL FROM:<[^<>\s]*>( [A-Za-z0-9=]+)*|"
                      rb"RCPT TO:<(\"([^\"\\\r\n]|\\[ -~])*\"|[^<>\s\"]+)@[^<>\s\"]+>( [A-Za-z0-9=,;@.+-]+)*|"
                      rb"DATA|RSET|QUIT|NOOP)\r\n")


def slots(attack):
    """(name, arguments that a caller may give with `attack` in that slot)"""
    file = {"filename": "a.txt", "mime_type": "text/plain", "base64": "aGk="}
    yield "to, text", {"to": "bob@there.example" + attack}
    yield "to, name in text", {"to": f"Bob {attack} <bob@there.example>"}
    yield "to.name", {"to": {"name": "Bob" + attack, "address": "bob@there.example"}}
    yield "to.address", {"to": {"name": "Bob", "address": "bob@there.example" + attack}}
    yield "to.address, local part", {"to": {"address": f"bob{attack}@there.example"}}
    yield "to.address, quoted local part", {"to": {"address": f"\"bob{attack}\"@there.example"}}
    yield "to.address, domain", {"to": {"address": f"bob@there{attack}.example"}}
    yield "cc.name", {"cc": {"name": "Cc" + attack, "address": "cc@there.example"}}
    yield "bcc.address", {"bcc": {"address": "hidden@there.example" + attack}}
    yield "bcc.name", {"bcc": {"name": "H" + attack, "address": "hidden@there.example"}}
    yield "reply_to.name", {"reply_to": {"name": "R" + attack, "address": "r@there.example"}}
    yield "reply_to.address", {"reply_to": {"address": "r@there.example" + attack}}
    yield "from", {"from": "ada@sender.example" + attack}
    yield "subject", {"subject": "Hello" + attack}
    yield "text", {"text": "Hello" + attack}
    yield "html", {"html": "<p>Hello" + attack + "</p>"}
    yield "filename", {"attachments": [{**file, "filename": "a" + attack + ".txt"}]}
    yield "mime_type", {"attachments": [{**file, "mime_type": "text/plain" + attack}]}
    yield "attachment's bytes", {"attachments": [{**file, "base64": base64.b64encode(("x" + attack).encode()).decode()}]}
    yield "content_id", {"html": "<img src='cid:a'>", "attachments": [{**file, "inline": True, "content_id": "a" + attack}]}
    yield "data URI", {"html": f"<img src='data:image/png{attack};base64,aGk='>"}
    yield "headers, value", {"headers": {"X-Note": "n" + attack}}
    yield "headers, name", {"headers": {"X-Note" + attack: "n"}}
    # None takes what the template makes out of the call.
    made = {"subject": None, "text": None, "template": "t"}
    yield "template data", {**made, "data": {"name": "n" + attack}}
    yield "template data, in a list", {**made, "data": {"name": ["n", attack]}}
    yield "idempotency_key", {"idempotency_key": "k" + attack}


# The end of data in the guise of text, at the edges that a relay may see differently.
SMUGGLES = [a + "." + b + "MAIL FROM:<" + EVIL + ">\r\nRCPT TO:<" + EVIL + ">\r\nDATA\r\nX-Evil: yes\r\n\r\nsmuggled\r\n.\r\n"
            for a in ("\r\n", "\n", "\r", "\n\n", "\r\r\n", "\0\r\n", "\u2028") for b in ("\r\n", "\n", "\r", "\r\0\n", "\r\r\n")]


def blocks(data):
    """Header blocks of the message and of its parts, found by lines and boundaries alone."""
    head, _, body = data.partition(b"\r\n\r\n")
    yield True, head
    # Parts: from each boundary line to the next empty one.
    unfolded = re.sub(rb"\r\n[ \t]+", b" ", head)
    found = re.search(rb'boundary="?([^";\r\n]+)', unfolded)
    if found:
        for part in (b"\r\n" + body).split(b"\r\n--" + found[1])[1:]:
            if part.startswith(b"--"):
                break
            inner = part[2:]
            for is_top, block in blocks(inner):
                yield False, block


class Injection(unittest.TestCase):
    def setUp(self):
        self.host = Host()
        self.addCleanup(self.host.close)

    def templates(self):
        """A template with the value in subject, text and HTML."""
        root = os.path.join(self.host.dir, "templates")
        os.makedirs(os.path.join(root, "t"))
        for name, text in (("subject.txt", "Hello {{ name }}"), ("body.txt", "Dear {{ name }},\n"), ("body.html", "<p title=\"{{ name }}\">{{ name }}</p>")):
            self.host.write(f"templates/t/{name}", text)
        os.makedirs(os.path.join(self.host.home, "config"), exist_ok=True)
        with open(os.path.join(self.host.home, "config", "email.json"), "w") as f:
            json.dump({"templates_root": root}, f)

    def call(self, base, arguments):
        return self.host.quick_call("email_send", {k: v for k, v in {**base, **arguments}.items() if v is not None})

    def judge(self, what, message, expected):
        wire = message.wire
        without = wire.replace(b"\r\n", b"")
        for byte, name in ((b"\r", "bare CR"), (b"\n", "bare LF"), (b"\0", "NUL")):
            self.assertNotIn(byte, without, f"{what}: {name} on the wire")
        self.assertEqual(wire.count(b"\r\n.\r\n"), 1, f"{what}: the end of data stands twice")
        self.assertLessEqual(max(map(len, message.data.split(b"\r\n"))), 998, what)
        for recipient in message.recipients:
            self.assertIn(recipient, expected, f"{what}: a recipient that nobody named")
        for top, block in blocks(message.data):
            names = [n.lower().decode() for n in re.findall(rb"(?m)^([!-9;-~]+):", block)]
            lines = [l for l in block.split(b"\r\n") if l and not l[:1] in b" \t"]
            self.assertEqual(len(lines), len(names), f"{what}: a line that is no field: {block!r}")
            for name, n in collections.Counter(names).items():
                self.assertEqual(n, 1, f"{what}: {name} stands {n} times: {block!r}")
                self.assertIn(name, FIELDS if top else PART_FIELDS, f"{what}: {block!r}")
        parsed = email.message_from_bytes(message.data, policy=email.policy.default)
        self.assertIsNone(parsed["X-Evil"], what)
        self.assertIsNone(parsed["Bcc"], what)

    def addresses(self, arguments):
        """Every address that the caller named, as a careful reader of the arguments sees them."""
        out = set()
        for field in ("to", "cc", "bcc"):
            value = arguments.get(field)
            text = value["address"] if isinstance(value, dict) else value or ""
            out |= set(re.findall(r"[^\s<>,;:()]+@[a-z0-9.-]+", text, re.I)) | set(re.findall(r'"[^"]*"@[a-z0-9.-]+', text, re.I)) | {text}
        return out

    def test_at_a_sink(self):
        sink = Sink()
        self.addCleanup(sink.close)
        self.host.add_credential(sink.record(limits=FAST), "planted-password")
        self.templates()
        self.host.start()
        base = {"credential_id": "me", "to": "bob@there.example", "subject": "s", "text": "t"}
        cases = [(f"{slot}, {end}, {payload[:8]!r}", arguments) for end, trick in ENDS.items() for payload in PAYLOADS
                 for slot, arguments in slots(trick + payload)]
        cases += [(f"smuggling {s[:8]!r} in {slot}", arguments) for s in SMUGGLES for slot, arguments in
                  (("text", {"text": "a" + s}), ("html", {"html": "<p>a" + s}), ("both, at the start", {"text": s, "html": s}))]
        refused = collections.Counter()
        sent = []
        for n, (what, arguments) in enumerate(cases):
            before = len(sink.messages)
            r = self.call(base, arguments)
            if r is None or r.get("isError"):
                self.assertEqual(len(sink.messages), before, f"{what}: refused, and yet sent")
                refused[what.split(", ")[0]] += 1
                continue
            self.assertEqual(len(sink.messages), before + 1, what)
            self.judge(what, sink.messages[-1], self.addresses({**base, **arguments}))
            sent.append(what)
        for line in sink.commands:
            self.assertRegex(line, COMMANDS, "a command that is none of ours")
        print(f"{len(cases)} cases: {sum(refused.values())} refused, {len(sent)} sent, 0 injected ", end="", flush=True)
        self.assertGreater(len(sent), len(cases) // 5, "a test in which everything is refused shows little")
        self.assertGreater(sum(refused.values()), len(cases) // 5)

    def test_at_a_strict_postfix(self):
        rig = Rig()
        self.addCleanup(rig.stop)
        self.host.add_credential(rig.record("me", "ada@rig.test", limits=FAST), rig.password)
        self.templates()
        self.host.start()
        base = {"credential_id": "me", "to": "bob@rig.test", "subject": "s", "text": "t"}
        cases = [(f"{slot}, {end}", arguments) for end, trick in ENDS.items()
                 for slot, arguments in slots(trick + "Bcc: evil@rig.test\r\nX-Evil: yes") if "there.example" not in json.dumps(arguments) and slot != "from"]
        cases += [(f"smuggling {s[:8]!r}", {"text": "a" + s.replace(EVIL, "evil@rig.test")}) for s in SMUGGLES]
        sent = 0
        for what, arguments in cases:
            r = self.call(base, arguments)
            sent += r is not None and not r.get("isError")
        got = rig.maildir("bob@rig.test", wait=sent)
        self.assertEqual(len(got), sent)
        self.assertEqual(rig.maildir("evil@rig.test"), [])
        for m in got:
            with open(m["file"], "rb") as f:
                parsed = email.message_from_binary_file(f, policy=email.policy.compat32)
            self.assertIsNone(parsed["X-Evil"])
            self.assertIsNone(parsed["Bcc"])
            self.assertEqual(len(parsed.get_all("To")), 1)
        print(f"{len(cases)} cases: {sent} delivered, 0 to others ", end="", flush=True)


if __name__ == "__main__":
    main()
