#!/usr/bin/env python3
"""Memory of an idle watcher: N mailboxes watched over TLS by one host-stub, each in IDLE.

  watchers.py [N]      default 1000; up to 2000 of a real Dovecot, more of the scripted server (many_server.py); writes the table into
                       docs/benchmarks.md; exit status 1 if a watcher costs more than 40 KB

What counts is the whole process: (resident size with N watchers - resident size with 1) / (N - 1), so session state, TLS, blueprints
and the host's share of each are all in it. Afterwards one message must still be noticed, and the host must still tell how all are.
"""
import imaplib
import json
import os
import resource
import sqlite3
import ssl
import subprocess
import sys
import time

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "../e2e")]
from harness import Host, Rig, wait_for
from report import table, write_section

ASKED_KB, LIMIT_KB = 32, 40
MOST_OF_DOVECOT = 2000
USER = "many@rig.test"
BLUEPRINT = """trigger:
  source: email
  credential_id: many
  match: {{folder: "{folder}"}}
  start_from: now
  action:
    agent_id: noted
    session_template: per-message
    inputs: {{subject: "{{{{ email.subject }}}}"}}
"""
AGENT = "agent_id: noted\ntype: script\nsteps:\n  - finish: {output_text: \"noted\"}\n"


class Dovecot:
    name = "Dovecot"

    def __init__(self, names):
        self.rig = Rig("--many")
        context = ssl.create_default_context(cafile=self.rig.info["ca_file"])
        imap = imaplib.IMAP4_SSL(self.rig.info["host"], self.rig.info["imap_tls_port"], ssl_context=context)
        imap.login(USER, self.rig.password)
        for name in names[1:]:
            imap.create(name)
        imap.logout()
        self.record, self.password = self.rig.record("many", USER), self.rig.password

    def deliver(self):
        self.rig.deliver(USER)

    def stop(self):
        self.rig.stop()


class Scripted:
    name = "the scripted server"
    password = "password-of-many"

    def __init__(self, names):
        self.process = subprocess.Popen([sys.executable, os.path.join(HERE, "many_server.py"), str(len(names))], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        info = json.loads(self.process.stdout.readline())
        self.record = {"id": "many", "type": "mail", "email": USER, "username": USER, "ca_file": info["ca_file"],
                       "imap": {"host": "127.0.0.1", "port": info["port"], "tls": "implicit"}}

    def deliver(self):
        self.process.stdin.write(b"deliver INBOX\n")
        self.process.stdin.flush()

    def stop(self):
        self.process.stdin.close()
        self.process.wait(60)


def status(pid, field):
    with open(f"/proc/{pid}/status") as f:
        return next(int(l.split()[1]) for l in f if l.startswith(field + ":"))


def measure(host, n, agents):
    """Resident KB and threads when n watchers idle, and the seconds until they did."""
    begin = time.monotonic()
    host.start("--agents", agents, limits=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (1024, resource.getrlimit(resource.RLIMIT_NOFILE)[1])))
    while host.rows("SELECT count(*) FROM sources WHERE json_extract(health, '$.state')='idle'") != [(n,)]:
        if time.monotonic() - begin > 120 + n / 10:
            states = host.rows("SELECT json_extract(health, '$.state'), json_extract(health, '$.last_error'), count(*) FROM sources GROUP BY 1, 2 LIMIT 5")
            raise AssertionError(f"{n} watchers are not idle: {states}; {host.log_text()[-1000:]}")
        time.sleep(0.2)
    took = time.monotonic() - begin
    time.sleep(7)  # Dovecot's side hibernates after 5 s; what is freed here is freed by then
    return status(host.daemon.pid, "VmRSS"), status(host.daemon.pid, "Threads"), took


def add(host, names):
    """Blueprints, straight into the store: the host that checks each against all others is not what is measured."""
    db = sqlite3.connect(f"{host.home}/host.db")
    with db:
        db.executemany("INSERT INTO blueprints(id, text, added_ns) VALUES(?,?,?)", [(f"watch-{name.lower()}", BLUEPRINT.format(folder=name), i) for i, name in enumerate(names)])
    db.close()


def main():
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    names = ["INBOX"] + [f"box{i}" for i in range(1, n)]
    server, host = (Dovecot if n <= MOST_OF_DOVECOT else Scripted)(names), Host()
    try:
        host.add_credential(server.record, server.password)
        agents = os.path.join(host.dir, "agents")
        os.makedirs(agents)
        host.write("agents/noted.yaml", AGENT)
        host.ok("blueprint", "check", host.write("watch-inbox.yaml", BLUEPRINT.format(folder="INBOX")))
        add(host, names[:1])
        one, _, _ = measure(host, 1, agents)
        host.stop()
        add(host, names[1:])
        many, threads, took = measure(host, n, agents)
        each = (many - one) / (n - 1)
        server.deliver()
        begin = time.monotonic()
        wait_for("a session for a message among so many", lambda: host.rows("SELECT 1 FROM sessions"), 20)
        noticed = time.monotonic() - begin
        begin = time.monotonic()
        alive = next(m for m in host.json("metrics")["metrics"] if m["name"] == "email_watcher_alive")["series"]
        told = time.monotonic() - begin
        if sum(s["value"] for s in alive) != n:
            raise AssertionError(f"of {n} watchers {sum(s['value'] for s in alive)} are alive by the host's metrics")
        print(f"watchers: {n} over TLS at {server.name}, all in IDLE after {took:.1f} s; resident {one} KB with 1, {many} KB with {n}; {threads} threads")
        print(f"watchers: {each:.1f} KB each (at most {ASKED_KB}); a message then was noticed within {noticed:.1f} s; `metrics` told of all within {told:.1f} s")
        write_section(f"watchers-{n}", f"""## {n:,} idle watchers

{n:,} mailboxes at {server.name} over TLS, all in IDLE after {took:.0f} s, one process with {threads} threads:

{table(["", "KB"], [["resident with 1 watcher", f"{one:,}"], [f"resident with {n:,}", f"{many:,}"], ["a watcher, all told", f"{each:.1f}"]])}

- KB for each idle watcher: {each:.1f} ({'reached' if each <= ASKED_KB else 'missed'}: at most {ASKED_KB})""")
        host.stop()
        return 0 if each <= LIMIT_KB else 1
    finally:
        host.close()
        server.stop()


if __name__ == "__main__":
    sys.exit(main())
