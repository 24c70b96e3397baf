#!/usr/bin/env python3
"""Memory of an idle watcher: N mailboxes of a real Dovecot watched over TLS by one host-stub, each in IDLE.

  watchers.py [N]      default 1000; prints the figures, exit status 1 if a watcher costs more than 40 KB

What counts is the whole process: (resident size with N watchers - resident size with 1) / (N - 1), so session state, TLS, blueprints
and the host's share of each are all in it. Afterwards one message must still be noticed.
"""
import imaplib
import os
import ssl
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../e2e"))
from harness import Host, Rig, wait_for

LIMIT_KB = 40
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


def resident_kb(pid):
    with open(f"/proc/{pid}/status") as f:
        return next(int(l.split()[1]) for l in f if l.startswith("VmRSS:"))


def mailboxes(rig, names):
    context = ssl.create_default_context(cafile=rig.info["ca_file"])
    imap = imaplib.IMAP4_SSL(rig.info["host"], rig.info["imap_tls_port"], ssl_context=context)
    imap.login(USER, rig.password)
    for name in names:
        imap.create(name)
    imap.logout()


def measure(host, n, agents):
    """Resident KB when n watchers idle, and the seconds until they did."""
    begin = time.monotonic()
    host.start("--agents", agents)
    def idle():
        watchers = host.call("email_watch", {"credential_id": "many", "action": "status"})["watchers"]
        return sum(w["state"] == "idle" for w in watchers) == n
    wait_for(f"{n} watchers idle", idle, 120 + n / 10)
    took = time.monotonic() - begin
    time.sleep(7)  # Dovecot's side hibernates after 5 s; what is freed here is freed by then
    return resident_kb(host.daemon.pid), took


def main():
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    rig, host = Rig("--many"), Host()
    try:
        names = ["INBOX"] + [f"box{i}" for i in range(1, n)]
        mailboxes(rig, names[1:])
        host.add_credential(rig.record("many", USER), rig.password)
        agents = os.path.join(host.dir, "agents")
        os.makedirs(agents)
        host.write("agents/noted.yaml", AGENT)
        def add(names):
            for name in names:
                host.ok("blueprint", "add", host.write(f"watch-{name.lower()}.yaml", BLUEPRINT.format(folder=name)))
        add(names[:1])
        one, _ = measure(host, 1, agents)
        host.stop()
        add(names[1:])
        many, took = measure(host, n, agents)
        each = (many - one) / (n - 1)
        rig.deliver(USER)
        begin = time.monotonic()
        wait_for("a session for a message among so many", lambda: host.json("sessions", "list")["sessions"], 20)
        print(f"watchers: {n} over TLS, all in IDLE after {took:.1f} s; resident {one} KB with 1, {many} KB with {n}")
        print(f"watchers: {each:.1f} KB each (at most {LIMIT_KB}); a message then was noticed within {time.monotonic() - begin:.1f} s")
        host.stop()
        return 0 if each <= LIMIT_KB else 1
    finally:
        host.close()
        rig.stop()


if __name__ == "__main__":
    sys.exit(main())
