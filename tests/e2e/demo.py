#!/usr/bin/env python3
"""./run demo: a supplier's mail on real servers, from Postfix into Dovecot, to an agent, and back; with each step's time.

  demo.py [--stay]     --stay keeps servers and host up until Ctrl-C, to play with
"""
import datetime
import os
import signal
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import SOURCE, STUB, Host, Rig, wait_for

US, SUPPLIER = "quotes@rig.test", "anna@supplier.example"
QUOTE = """Dear Sir or Madam,

our quotation for 200 brackets: 4.10 EUR each, delivered in two weeks.

Kind regards
Anna Berg, Supplier Ltd
"""


def seconds(stamp):
    return datetime.datetime.fromisoformat(stamp.replace("Z", "+00:00")).timestamp()


class Timeline:
    def __init__(self):
        self.events = []

    def add(self, when, what, where=""):
        self.events.append((when, what, where))

    def show(self, zero):
        last = zero
        print(f"{'time':>10} {'step':>9}   what")
        for when, what, where in sorted(self.events):
            print(f"{when - zero:9.3f}s {max(0, when - last) * 1000:6.0f} ms   {what:<66} {where}")
            last = when


def play(rig, host):
    line = Timeline()
    host.add_credential(rig.record("quotes-inbox", US), rig.password)
    host.ok("blueprint", "add", os.path.join(SOURCE, "manifests/blueprints/supplier-quote.yaml"))
    print("host-stub      credential quotes-inbox, blueprint supplier-quote -> agent quote-assistant")
    host.start("--agents", os.path.join(SOURCE, "manifests/agents"))

    def watching():
        watchers = host.call("email_watch", {"credential_id": "quotes-inbox", "action": "status"})["watchers"]
        return watchers and watchers[0]["state"] == "idle"
    wait_for("the watcher of quotes-inbox idles", watching, 20)
    print("watcher        signed in to Dovecot over TLS, IDLE\n")

    sent = rig.deliver(US, sender=f"Anna Berg <{SUPPLIER}>", subject="Quotation 4711 for 200 brackets", body=QUOTE)
    zero, message_id = sent["sent_at"], sent["message_ids"][0]
    line.add(zero + sent["seconds"], f"Postfix accepted the mail of {SUPPLIER}", "rig: mx port")
    answer = rig.maildir(SUPPLIER, wait=1)[0]
    line.add(answer["arrived"], f"the reply stands in the mailbox of {SUPPLIER}", "Dovecot")
    line.add(rig.maildir(US, wait=1)[0]["arrived"], f"Dovecot has the mail in the INBOX of {US}", "Dovecot")

    def finished():
        return [s for s in host.json("sessions", "list")["sessions"] if s["state"] in ("finished", "failed")]
    session = wait_for("the session is finished", finished, 20)[0]["id"]
    show_session(line, host.json("sessions", "show", session))
    line.show(zero)

    print(f"\nThe reply as it arrived (answers {answer['in_reply_to']}):\n")
    for name in ("from", "to", "subject"):
        print(f"    {name.capitalize() + ':':<9}{answer[name]}")
    print("\n" + "\n".join("    " + l for l in answer["body"].strip().splitlines()))
    if answer["in_reply_to"] != message_id:
        raise AssertionError(f"the reply answers {answer['in_reply_to']}, not {message_id}")
    return session


def show_session(line, shown):
    line.add(seconds(shown["turns"][0]["received"]), f"noticed by IDLE: the hand-over to session {shown['id']} is on record", "one transaction")
    for step in shown["ledger"]:
        where = f"ledger {step['step']}"
        if step["kind"] == "call":
            line.add(seconds(step["ended"]), f"the agent called {step['tool']}: {step['status']}", where)
        elif step["kind"] == "finish":
            line.add(seconds(step["ended"]), "the agent finished", where)
        elif step["kind"] == "on_finish":
            line.add(seconds(step["started"]), f"on_finish calls {step['tool']}, which leaves by SMTP: {step['status']}", where)


def main():
    stay = "--stay" in sys.argv[1:]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    rig = host = None
    try:
        begin = time.monotonic()
        rig = Rig()
        i = rig.info
        print(f"rig            Postfix and Dovecot up in {time.monotonic() - begin:.1f} s: IMAP {i['imap_tls_port']}, SMTP {i['smtp_tls_port']} (TLS)")
        host = Host()
        session = play(rig, host)
        print(f"\nWhere to look: host-stub sessions list; host-stub sessions show {session}; host-stub outbox list")
        if stay:
            stay_up(rig, host, session)
        return 0 if host.stop() == 0 else 1
    except KeyboardInterrupt:
        return 130
    except (AssertionError, RuntimeError) as e:
        log = f"\nthe host's log:\n{host.log_text()[-3000:]}" if host and hasattr(host, "log") else ""
        print(f"demo: {e}{log}", file=sys.stderr)
        return 1
    finally:
        if host:
            host.close()
        if rig:
            rig.stop()


def stay_up(rig, host, session):
    print(f"""
Everything stays up until Ctrl-C. To play with it in another terminal:

  {STUB} sessions show {session} --home {host.home}
  {STUB} call email_mailboxes '{{"credential_id": "quotes-inbox"}}' --home {host.home}
  {SOURCE}/tests/rig/rig deliver --dir {rig.dir} --to {US} --from {SUPPLIER} --subject 'A quote'
  {SOURCE}/tests/rig/rig maildir --dir {rig.dir} --user {SUPPLIER}

  servers' logs: {rig.info['logs']['postfix']}, {rig.info['logs']['dovecot']}; every mailbox's password: {rig.password}""", flush=True)
    signal.pause()


if __name__ == "__main__":
    sys.exit(main())
