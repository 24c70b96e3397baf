#!/usr/bin/env python3
"""From EXISTS on the wire to the session in the host's store, with the real Dovecot over TLS and every commit durable.

  latency.py [--messages 300]      a table goes to docs/benchmarks.md; exit status 1 if the 99th percentile is above 12.5 ms (80 % of what is
                                   asked for: 10 ms)

The host's trace says when it read `* N EXISTS`, the store when the session was made; between the two lie the search for what is new, the
fetch, the match, the hand-over and its commit, the session's own commit. Beside it, the floor: one durable commit of SQLite on this disk.
"""
import argparse
import datetime
import os
import re
import sqlite3
import sys
import tempfile
import time

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "../e2e")]
import report
from harness import Host, Rig, wait_for

USER, ASKED_MS = "quick@rig.test", 10
BLUEPRINT = """trigger:
  source: email
  credential_id: quick
  match: {folder: INBOX}
  start_from: now
  action:
    agent_id: noted
    session_template: per-message
    inputs: {subject: "{{ email.subject }}"}
"""
AGENT = "agent_id: noted\ntype: script\nsteps:\n  - finish: {output_text: \"noted\"}\n"


def commits(n):
    """Milliseconds of n durable commits of one row."""
    with tempfile.TemporaryDirectory() as folder:
        db = sqlite3.connect(os.path.join(folder, "floor.db"), isolation_level=None)
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA synchronous=FULL")
        db.execute("CREATE TABLE t (x TEXT)")
        took = []
        for i in range(n):
            begin = time.perf_counter()
            db.execute("INSERT INTO t VALUES (?)", ("x" * 500,))
            took.append((time.perf_counter() - begin) * 1000)
        return took


def exists_times(path):
    """Unix milliseconds of each EXISTS that the host read; the trace is in UTC."""
    found = []
    with open(path, errors="replace") as f:
        for line in f:
            m = re.match(r"(\S+) .*S: \* \d+ EXISTS", line)
            if m:
                at = datetime.datetime.fromisoformat(m[1]).replace(tzinfo=datetime.timezone.utc)
                found.append(at.timestamp() * 1000)
    return found


def measure(messages):
    os.environ["TZ"] = "UTC"
    rig, host = Rig(), Host()
    try:
        host.add_credential(rig.record("quick", USER), rig.password)
        host.ok("blueprint", "add", host.write("quick.yaml", BLUEPRINT))
        agents = os.path.join(host.dir, "agents")
        os.makedirs(agents)
        host.write("agents/noted.yaml", AGENT)
        trace = os.path.join(host.dir, "trace")
        host.start("--agents", agents, "--trace", trace)
        idle = lambda: any(w["state"] == "idle" for w in host.call("email_watch", {"credential_id": "quick", "action": "status"})["watchers"])
        wait_for("the watcher idles", idle, 20)
        for n in range(1, messages + 1):
            rig.deliver(USER, subject=f"quick {n}")
            wait_for(f"session {n}", lambda: host.rows("SELECT COUNT(*) FROM sessions")[0][0] >= n, 30)
        made = sorted(ns / 1e6 for (ns,) in host.rows("SELECT created_ns FROM sessions"))
        seen = exists_times(trace)
        # To each session the last EXISTS before it.
        return [at - max(s for s in seen if s <= at + 1) for at in made]
    finally:
        host.close()
        rig.stop()


def percentile(values, p):
    return sorted(values)[min(len(values) - 1, int(len(values) * p / 100))]


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--messages", type=int, default=300)
    a = p.parse_args()
    floor, ours = commits(a.messages), measure(a.messages)
    line = lambda name, v: [name] + [f"{percentile(v, q):.1f}" for q in (50, 90, 99, 100)]
    worst = percentile(ours, 99)
    verdict = "reached" if worst <= ASKED_MS else "missed"
    text = ("## From EXISTS to the session\n\n" + f"{len(ours)} messages one by one, Dovecot over TLS, the trace's clock has 1 ms:\n\n"
            + report.table(["ms", "median", "90 %", "99 %", "worst"],
                           [line("one durable commit of SQLite (the floor)", floor), line("EXISTS read to session stored", ours)])
            + f"\n\n- the 99th percentile, ms: {worst:.1f} ({verdict}: at most {ASKED_MS})\n")
    print(text)
    report.write_section("latency", text)
    return 0 if worst <= ASKED_MS / 0.8 else 1


if __name__ == "__main__":
    sys.exit(main())
