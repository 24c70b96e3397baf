#!/usr/bin/env python3
"""Fetching a whole mailbox from Dovecot over TLS: raw, parsed to JSON, and the text alone.

  fetch.py [--count N] [--rounds R] [--quick]    default 5000 and 3; a table goes to docs/benchmarks.md; exit status 1 if a figure misses
                                                 80 % of what is to be reached. --quick: 600 messages, 1 round, no table, nothing judged

The mailbox is made from a seed (mailbox.py): 5,000 messages, 328 MB, multipart/alternative, every third with an attachment of 2 to 300 KB.
Everybody once for warmth (also Dovecot's caches), then in turn, several times; the medians count. The floor is a TLS socket that only reads
(fetch_floor.cpp); it hangs on the server as everybody does. Peers: imapflow alone, with postal-mime and with mailparser (tests/js), and
Python's imaplib. Each is a process of its own with one connection; CPU is that process's, from after the sign-in on.
"""
import argparse
import json
import os
import pwd
import subprocess
import sys

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "../e2e"), os.path.join(HERE, "../js")]
import mailbox
import modules
import report
from harness import Rig
from report import median

USER, BOX = "bulk@rig.test", "INBOX"
WHO = {  # key: (name in the table, program, argument, what it does)
    "floor": ("a TLS socket that only reads (the floor)", "fetch_floor", None, "raw"),
    "raw": ("Mailroom, raw", "fetch_bench", "raw", "raw"),
    "imapflow": ("imapflow {imapflow}, raw", "node", "raw", "raw"),
    "imaplib": ("Python imaplib, raw", "python3", None, "raw"),
    "json": ("Mailroom, parsed to JSON, attachments hashed", "fetch_bench", "json", "json"),
    "postal": ("imapflow + postal-mime {postal-mime}, parsed to JSON", "node", "postal-mime", "json"),
    "mailparser": ("imapflow + mailparser {mailparser}, parsed to JSON", "node", "mailparser", "json"),
    "text": ("Mailroom, text for a model", "fetch_bench", "text", "text"),
}


def argv(rig, program, argument):
    head = {"node": ["node", os.path.join(HERE, "../js/fetch_imapflow.js")], "python3": [sys.executable, os.path.join(HERE, "fetch_imaplib.py")]}
    return (head.get(program) or [os.path.join(report.BUILD, "bench", program)]) + ([argument] if argument else []) + [
        rig.info["host"], str(rig.info["imap_tls_port"]), rig.info["ca_file"], USER, BOX]


def measure(rig, packages, count, key):
    _, program, argument, _ = WHO[key]
    env = {**os.environ, "NODE_PATH": packages, "MAILROOM_BENCH_PASSWORD": rig.password}
    dovecot = rig.info["pids"]["dovecot"]
    before = report.cpu_of_group(dovecot)
    done = subprocess.run(argv(rig, program, argument), stdout=subprocess.PIPE, text=True, env=env, timeout=600)
    if done.returncode:
        raise RuntimeError(f"{key} ended with {done.returncode}")
    figures = json.loads(done.stdout)
    if figures.get("messages", count) != count:
        raise RuntimeError(f"{key}: {figures['messages']} of {count} messages came")
    figures["server"] = report.cpu_of_group(dovecot) - before
    return figures


def profile(r):
    """Where a wall was missed: what used the cores meanwhile. Client, Dovecot and the machine's own work share them, so a client's CPU is
    wall time, too, once the server keeps what is left busy."""
    cores = os.cpu_count()
    head = ["", "s", "of them client", "of them Dovecot", "cores busy"]
    rows = [[what, f"{r[key]['seconds']:.2f}", f"{r[key]['cpu_seconds']:.2f}", f"{r[key]['server']:.2f}",
             f"{(r[key]['cpu_seconds'] + r[key]['server']) / r[key]['seconds']:.2f}"] for key, what in
            (("floor", "the floor"), ("raw", "Mailroom, raw"), ("json", "Mailroom, JSON"), ("text", "Mailroom, text"))]
    return f"What used the {cores} cores (CPU seconds):\n\n{report.table(head, rows)}\n\n"


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--count", type=int, default=5000)
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--quick", action="store_true")
    a = p.parse_args()
    if a.quick:
        a.count, a.rounds = 600, 1
    packages = modules.node_modules()
    versions = {name: json.load(open(os.path.join(packages, name, "package.json")))["version"] for name in ("imapflow", "postal-mime", "mailparser")}
    rig = Rig()
    try:
        owner = pwd.getpwnam("vmail")
        home = os.path.join(rig.dir, "mail", USER)
        os.makedirs(home, exist_ok=True)
        os.chown(home, owner.pw_uid, owner.pw_gid)
        size = mailbox.fill(os.path.join(home, "Maildir"), (owner.pw_uid, owner.pw_gid), a.count)
        runs = {key: [] for key in WHO}
        for i in range(a.rounds + 1):
            for key in WHO:
                if i == 0 and WHO[key][1] in ("node", "python3"):
                    continue  # what they would warm is warm
                figures = measure(rig, packages, a.count, key)
                if i:
                    runs[key].append(figures)
    finally:
        rig.stop()
    r = {key: {name: median(f[name] for f in all) for name in ("seconds", "cpu_seconds", "rss_kb", "bytes", "server")} for key, all in runs.items()}
    rows = [[name.format(**versions), f"{r[key]['seconds']:.2f}", f"{r[key]['cpu_seconds']:.2f}", f"{r[key]['rss_kb'] / 1000:.0f}",
             f"{r[key]['bytes'] / 1e6:.0f}"] for key, (name, *_) in WHO.items()]
    head = ["", "s", "CPU s", "RSS MB", "MB fetched"]
    print(report.table(head, rows))
    text = f"## Fetching\n\n{a.count:,} messages, {size / 1e6:.0f} MB, from Dovecot over TLS, one connection, medians of {a.rounds}:\n\n{report.table(head, rows)}\n\n"
    text += profile(r)
    print(profile(r))
    good = True

    def verdict(what, value, needed, most=True):
        nonlocal good, text
        good = good and (0.8 * value <= needed if most else value >= 0.8 * needed)
        reached = value <= needed if most else value >= needed
        line = f"{what}: {value:.2f} ({'reached' if reached else 'missed'}: at {'most' if most else 'least'} {needed:g})"
        print("fetch: " + line)
        text += f"- {line}\n"

    floor, best = r["floor"], min((r["postal"], r["mailparser"]), key=lambda f: f["cpu_seconds"])
    verdict("raw, times the floor's wall time", r["raw"]["seconds"] / floor["seconds"], 1.1)
    verdict("raw, times the floor's CPU", r["raw"]["cpu_seconds"] / floor["cpu_seconds"], 1.3)
    verdict("raw, resident MB", r["raw"]["rss_kb"] / 1000, 48)
    verdict("JSON, times the floor's wall time", r["json"]["seconds"] / floor["seconds"], 1.25)
    verdict("JSON, times less CPU than the best peer", best["cpu_seconds"] / r["json"]["cpu_seconds"], 4, most=False)
    verdict("text, of the bytes of all", r["text"]["bytes"] / r["raw"]["bytes"], 1 / 3)
    verdict("text, times faster than the best peer", min(r["postal"]["seconds"], r["mailparser"]["seconds"]) / r["text"]["seconds"], 5, most=False)
    if not a.quick:
        report.write_section("fetch", text)
    return 0 if good or a.quick else 1


if __name__ == "__main__":
    sys.exit(main())
