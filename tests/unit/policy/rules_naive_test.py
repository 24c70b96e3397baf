#!/usr/bin/env python3
"""2,000 generated rule sets, three messages each: the engine decides as an evaluator written here, with Python's regexes,
which asks one rule after the other.

  rules_naive_test.py PROGRAM [--seed N] [--sets N]
"""
import argparse
import json
import random
import re
import subprocess
import sys
import time

NOW = 1_790_000_000
LETTERS = "abc1"
TYPES = ["application/pdf", "image/png", "image/jpeg", "text/csv"]
FLAGS = ["\\Seen", "\\Flagged", "$Junk", "work"]
WORDS = ["pass", "fail", "softfail", "none"]


class Patterns:
    """Regexes that mean the same in RE2 and in Python: no nested repetition, so that Python stays fast, too."""

    def __init__(self, rng):
        self.rng = rng

    def char(self):
        r = self.rng
        return r.choice([r.choice(LETTERS), r.choice(LETTERS), r.choice(LETTERS), r.choice(["@", "-", " ", "\\."]), ".", "[ab]",
                         "[^a]", "[a-c]", "\\d", "\\w", "[^\\w]"])

    def piece(self, depth):
        r = self.rng
        if depth > 0 and r.random() < 0.25:
            group = "(" if r.random() < 0.5 else "(?:"
            return group + self.alternatives(depth - 1) + ")" + r.choice(["", "", "?"])
        if r.random() < 0.05:
            return "\\b"
        return self.char() + r.choice(["", "", "", "", "?", "*", "+", "{2}", "{1,3}"])

    def alternatives(self, depth):
        r = self.rng
        return "|".join("".join(self.piece(depth) for _ in range(r.randint(1, 4))) for _ in range(r.choice([1, 1, 1, 2])))

    def make(self):
        r = self.rng
        text = self.alternatives(2)
        if r.random() < 0.15:
            text = "^(?:" + text + ")"
        return "(?:" + text + ")$" if r.random() < 0.15 else text


class Sets:
    def __init__(self, rng):
        self.rng, self.patterns = rng, Patterns(rng)

    def some(self, choices):
        r = self.rng
        picked = r.sample(choices, r.randint(1, 2))
        return picked[0] if len(picked) == 1 else picked

    def condition(self, depth=2):
        r, p = self.rng, self.patterns.make
        out = {}
        kinds = ["from_regex", "to_regex", "cc_regex", "subject_regex", "subject_regex", "list_id_regex", "body_regex", "header_regex",
                 "mime_type", "attachment", "larger", "smaller", "authentication", "flags", "older_than", "newer_than", "folder"]
        if depth > 0:
            kinds += ["all", "any", "any", "not", "not"]
        for kind in r.sample(kinds, r.choice([1, 1, 1, 2, 3])):
            if kind.endswith("_regex") and kind != "header_regex":
                out[kind] = p()
            elif kind == "header_regex":
                out[kind] = {r.choice(["X-A", "x-b", "Subject"]): p()}
            elif kind == "mime_type":
                out[kind] = self.some(TYPES + ["image/*", "text/*", "multipart/mixed"])
            elif kind == "attachment":
                out[kind] = {k: v for k, v in {"name_regex": p(), "mime_type": self.some(TYPES + ["image/*"]), "larger": r.randint(0, 60),
                                               "smaller": r.randint(20, 90)}.items() if r.random() < 0.4}
            elif kind in ("larger", "smaller"):
                out[kind] = r.randint(0, 1000)
            elif kind == "authentication":
                out[kind] = {m: self.some(WORDS + ["unknown"]) for m in r.sample(["spf", "dkim", "dmarc"], r.randint(1, 2))}
            elif kind == "flags":
                out[kind] = self.some(["seen", "\\flagged", "$junk", "WORK"])
            elif kind in ("older_than", "newer_than"):
                out[kind] = r.choice(["90s", "30m", "5h", "2d"])
            elif kind == "folder":
                out[kind] = r.choice(["INBOX", "Archive"])
            elif kind == "not":
                out[kind] = self.condition(depth - 1)
            else:
                out[kind] = [self.condition(depth - 1) for _ in range(r.randint(1, 3))]
        return out

    def rules(self):
        r = self.rng
        out = []
        for i in range(r.choice([1, 3, 8, 25])):
            rule = {"name": f"r{i}", "match": self.condition(), "do": {"ignore": True}}
            if r.random() < 0.4:
                rule["continue"] = True
            if r.random() < 0.1:
                rule["credential_id"] = r.choice(["one", "two"])
            out.append(rule)
        return out

    def word(self, most=4):
        return "".join(self.rng.choice(LETTERS + "aABC") for _ in range(self.rng.randint(1, most)))

    def phrase(self, most=3):
        return self.rng.choice([" ", "-", "."]).join(self.word() for _ in range(self.rng.randint(1, most)))

    def people(self, most):
        return [(self.phrase() if self.rng.random() < 0.5 else "", f"{self.word()}@{self.word()}.{self.word()}")
                for _ in range(self.rng.randint(0, most))]

    def message(self):
        r = self.rng
        m = {"from": self.people(2), "to": self.people(3), "cc": self.people(2), "folder": r.choice(["INBOX", "inbox", "Archive"]),
             "subject": self.phrase() if r.random() < 0.9 else None, "list_id": f"<{self.phrase()}>" if r.random() < 0.3 else None,
             "headers": [(r.choice(["X-A", "X-B"]), self.phrase()) for _ in range(r.randint(0, 3))],
             "text": "\n".join(self.phrase(6) for _ in range(r.randint(1, 8))),
             "attachments": [(r.choice(TYPES), self.phrase(2) + ".x", r.randint(0, 100)) for _ in range(r.choice([0, 0, 1, 2]))],
             "flags": r.sample(FLAGS, r.randint(0, 3)), "size": r.randint(0, 1000),
             "arrived_s": NOW - r.randint(0, 200_000) if r.random() < 0.9 else None,
             "authentication": {k: r.choice(WORDS) for k in ("spf", "dkim", "dmarc") if r.random() < 0.5}, "trusted": r.random() < 0.6}
        return m


def raw(m):
    lines = []
    if m["authentication"]:
        lines.append("Authentication-Results: " + ("mx.us" if m["trusted"] else "mx.them") +
                     "".join(f"; {k}={v}" for k, v in m["authentication"].items()))
    for name in ("from", "to", "cc"):
        if m[name]:
            lines.append(f"{name.title()}: " + ", ".join(f'"{n}" <{a}>' if n else a for n, a in m[name]))
    if m["subject"] is not None:
        lines.append("Subject: " + m["subject"])
    if m["list_id"] is not None:
        lines.append("List-Id: " + m["list_id"])
    lines += [f"{n}: {v}" for n, v in m["headers"]]
    text = m["text"].split("\n")
    if not m["attachments"]:
        return "\r\n".join(lines + ["Content-Type: text/plain", ""] + text)
    lines += ["Content-Type: multipart/mixed; boundary=\"=b=\"", "", "--=b=", "Content-Type: text/plain", ""] + text
    for kind, name, size in m["attachments"]:
        lines += ["--=b=", f"Content-Type: {kind}", f"Content-Disposition: attachment; filename=\"{name}\"", "", "x" * size]
    return "\r\n".join(lines + ["--=b=--", ""])


class Naive:
    def __init__(self, m):
        self.m = m

    @staticmethod
    def found(pattern, text):
        # RE2's $ is the very end, Python's is also before a last line end.
        return re.search(re.sub(r"\$$", r"\\Z", pattern), text, re.IGNORECASE | re.ASCII) is not None

    @staticmethod
    def listed(value):
        return value if isinstance(value, list) else [value]

    def is_type(self, wanted, kind):
        return any(kind.startswith(w[:-1]) if w.endswith("/*") else kind == w for w in self.listed(wanted))

    def holds(self, match):
        return all(self.one(k, v) for k, v in match.items())

    def one(self, kind, v):
        m = self.m
        if kind in ("from_regex", "to_regex", "cc_regex"):
            return any(self.found(v, a) or (n and self.found(v, f"{n} <{a}>")) for n, a in m[kind.split("_")[0]])
        if kind == "subject_regex":
            return self.found(v, m["subject"] or "")
        if kind == "list_id_regex":
            return m["list_id"] is not None and self.found(v, m["list_id"])
        if kind == "body_regex":
            return self.found(v, m["text"])
        if kind == "header_regex":
            fields = m["headers"] + ([("Subject", m["subject"])] if m["subject"] is not None else [])
            return all(any(n.lower() == name.lower() and self.found(p, value) for n, value in fields) for name, p in v.items())
        if kind == "mime_type":
            kinds = ["multipart/mixed"] if m["attachments"] else []
            return any(self.is_type(v, k) for k in kinds + ["text/plain"] + [a[0] for a in m["attachments"]])
        if kind == "attachment":
            return any(self.attachment(v, a) for a in m["attachments"])
        if kind in ("larger", "smaller"):
            return m["size"] > v if kind == "larger" else m["size"] < v
        if kind == "authentication":
            said = m["authentication"] if m["trusted"] else {}
            return all(said.get(method, "unknown") in self.listed(words) for method, words in v.items())
        if kind == "flags":
            have = [f.lower() for f in m["flags"]]
            names = {"seen": "\\seen", "work": "work"}
            return all(names.get(f.lower(), f.lower()) in have for f in self.listed(v))
        if kind in ("older_than", "newer_than"):
            if m["arrived_s"] is None:
                return False
            limit = int(v[:-1]) * {"s": 1, "m": 60, "h": 3600, "d": 86400}[v[-1]]
            age = NOW - m["arrived_s"]
            return age > limit if kind == "older_than" else age < limit
        if kind == "folder":
            return m["folder"].lower() == "inbox" if v == "INBOX" else m["folder"] == v
        if kind == "not":
            return not self.holds(v)
        return (all if kind == "all" else any)(self.holds(c) for c in v)

    def attachment(self, v, a):
        kind, name, size = a
        return (("name_regex" not in v or self.found(v["name_regex"], name)) and ("mime_type" not in v or self.is_type(v["mime_type"], kind))
                and ("larger" not in v or size > v["larger"]) and ("smaller" not in v or size < v["smaller"]))

    def hits(self, rules, credential):
        out = []
        for rule in rules:
            if rule.get("credential_id", credential) == credential and self.holds(rule["match"]):
                out.append(rule["name"])
                if not rule.get("continue"):
                    break
        return out


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    parser.add_argument("--sets", type=int, default=2000)
    args = parser.parse_args()
    print(f"seed {args.seed}", flush=True)
    began = time.monotonic()
    made = Sets(random.Random(args.seed))
    cases = [{"rules": made.rules(), "messages": [made.message() for _ in range(3)]} for _ in range(args.sets)]
    lines = []
    for case in cases:
        messages = [{"raw": raw(m), "folder": m["folder"], "flags": m["flags"], "size": m["size"], "now_s": NOW,
                     **({} if m["arrived_s"] is None else {"arrived_s": m["arrived_s"]})} for m in case["messages"]]
        lines.append(json.dumps({"rules": case["rules"], "credential_id": "one", "trusted": ["mx.us"], "messages": messages}))
    run = subprocess.run([args.program], input="\n".join(lines) + "\n", capture_output=True, text=True, check=False)
    answers = run.stdout.splitlines()
    compared = hit = wrong = 0
    for case, answer in zip(cases, answers):
        for m, ours in zip(case["messages"], json.loads(answer)):
            theirs = Naive(m).hits(case["rules"], "one")
            compared += 1
            hit += bool(theirs)
            if ours != theirs:
                wrong += 1
                if wrong <= 3:
                    rule = next(r for r in case["rules"] if (r["name"] in ours) != (r["name"] in theirs))
                    print(f"engine {ours}, naive {theirs}\n  {json.dumps(rule)}\n  {m!r}\n  {raw(m)!r}")
    print(f"{len(answers)} rule sets, {compared} messages, {hit} of them hit a rule, {wrong} decided otherwise, "
          f"{time.monotonic() - began:.1f} s")
    if run.returncode != 0:
        print(f"the program ended with {run.returncode}: {run.stderr[-500:]}")
    return 0 if run.returncode == 0 and wrong == 0 and len(answers) == args.sets and hit > compared // 5 else 1


if __name__ == "__main__":
    sys.exit(main())
