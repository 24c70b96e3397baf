#!/usr/bin/env python3
"""The scripted servers of tests/corpus/tls against the whole program: nothing secret before verified TLS, nothing heard before it is used, no referral
is followed, and each fault has its error.

    tls_table_test.py [--only WORDS] [--table FILE.json ...]     other tables are played likewise
"""
import argparse
import base64
import concurrent.futures
import json
import os
import re
import socket
import sys
import threading
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import leaks
from certificates import Authority
from harness import PATIENCE, SOURCE, Host
from tls_server import Contexts, Server

FOLDER = os.path.join(SOURCE, "tests", "corpus", "tls")
USER, PASSWORD, MARK = "planted-user-7351", "planted-pass-9264-word", "PLANTED"
WORKERS = 8  # calls at once, per protocol: what the manifest allows


def forms(secret):
    """The secret plain, reversed in hex, and as it stands within base64 at each of the three offsets."""
    raw = secret.encode()
    out = [raw, raw.hex().encode(), raw.hex().upper().encode()]
    for ahead in range(3):
        text = base64.b64encode(bytes(ahead) + raw)
        first, last = (ahead * 8 + 5) // 6, (ahead + len(raw)) * 8 // 6
        out.append(text[first:last])
    return out


SECRET_FORMS = forms(PASSWORD)
USER_FORMS = forms(USER)
VERBS = re.compile(rb"^(\S+ )?(AUTHENTICATE|LOGIN|AUTH)\b", re.I | re.M)


class Referral:
    """Where referrals point to; nobody should come."""

    def __init__(self):
        self.came, self.listener = 0, socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            c, _ = self.listener.accept()
            self.came += 1
            c.close()


class Table:
    def __init__(self, scripts, host, folder):
        self.host, self.referral, self.scripts, self.results, self.queued = host, Referral(), scripts, {}, {}
        authority = Authority()
        with open(os.path.join(folder, "ca.pem"), "w") as f:
            f.write(authority.root.pem)
        with open(os.path.join(FOLDER, "certificates.json")) as f:
            self.contexts = Contexts(authority, json.load(f), folder)
        self.folder = folder
        client = authority.make(cn="client ada", use=["client"])
        self.client_paths, self.client_key = client.write(folder, "client"), client.key_pem

    def record(self, n, script, server):
        end = {"host": script.get("host", "mail.rig.example"), "port": server.port, "tls": script["tls"], "address": "127.0.0.1"}
        record = {"id": f"s{n}", "type": "mail", "email": "me@rig.test", "username": USER, "authentication": "password", script["protocol"]: end}
        if script.get("ca", True):
            record["ca_file"] = os.path.join(self.folder, "ca.pem")
        if "pinned" in script:
            record["pinned_keys"] = [self.contexts.pair(script["pinned"]).pin]
        if script.get("client") and script.get("shown", True):
            record["client_certificate"] = self.client_paths[0]
        return record

    def enter(self, n, script):
        server = Server(script, self.contexts, self.referral.port)
        record = self.record(n, script, server)
        secrets = {"password": PASSWORD}
        if "client_certificate" in record:
            secrets["client_key"] = self.client_key
        status, _, said = self.host.over_socket(["credential", "add", "--file", "-"], record, secrets)
        if status != 0:
            raise AssertionError(f"{script['name']}: {said}")
        return server

    def call(self, n, script):
        tool, more = ("email_fetch", {"uid": 1}) if script["protocol"] == "imap" else ("email_send", {"to": "you@rig.test", "subject": f"s{n}", "text": "Hello."})
        arguments = {"credential_id": f"s{n}", **more}
        # The program's own limits are to end it, not the host's for a call.
        _, out, _ = self.host.over_socket(["call", tool, json.dumps(arguments), "--json", "--timeout", "100000"], arguments, timeout=120)
        try:
            return json.loads(out)
        except ValueError:
            return None

    def play(self):
        self.begun = time.monotonic()
        self.host.start("--virtual-clock", "--trace", os.path.join(self.host.dir, "trace"))
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            self.servers = list(pool.map(self.enter, range(len(self.scripts)), self.scripts))
        print(f"{len(self.scripts)} accounts made: {time.monotonic() - self.begun:.1f} s")
        silent = [n for n, s in enumerate(self.scripts) if any(x.startswith("silence") for x in s["steps"])]
        self.run([n for n in range(len(self.scripts)) if n not in silent], lambda pending: None)
        print(f"{len(self.scripts) - len(silent)} that speak: {time.monotonic() - self.begun:.1f} s")
        for p in ("imap", "smtp"):
            mine = [n for n in silent if self.scripts[n]["protocol"] == p]
            for at in range(0, len(mine), WORKERS):
                self.run(mine[at:at + WORKERS], self.let_time_pass)

    def run(self, numbers, meanwhile):
        with concurrent.futures.ThreadPoolExecutor(WORKERS) as imap, concurrent.futures.ThreadPoolExecutor(WORKERS) as smtp:
            pending = {}
            for n in numbers:
                pool = imap if self.scripts[n]["protocol"] == "imap" else smtp
                pending[n] = pool.submit(self.call, n, self.scripts[n])
            meanwhile(pending)
            for n, future in pending.items():
                self.results[n] = future.result()
        self.look_at_outbox()

    def look_at_outbox(self):
        """What ended with an error that may pass is tried again later: its record has the error."""
        for record in self.host.json("outbox", "list")["outbox"]:
            if record.get("error"):
                self.queued.setdefault(record["id"], record["error"])

    def let_time_pass(self, pending):
        """Once each server is silent, until each call has had enough of it."""
        for n in pending:
            if not self.servers[n].holding.wait(60 * PATIENCE):
                raise AssertionError(f"{self.scripts[n]['name']}: never came to its silence")

        for _ in range(20):  # more than once: the program may begin to wait only after time has gone on
            self.host.ok("clock", "advance", "61s")
            if not concurrent.futures.wait(pending.values(), 2 * PATIENCE).not_done:
                return

    # What is to be found.
    def code(self, n):
        result = self.results[n]
        if result is None:
            return "no result"
        content = result.get("structuredContent", {})
        error = content.get("error") or self.queued.get(content.get("outbox_id"))
        return error["code"] if error else "ok"

    def needed(self, script):
        """The last step that the client had to come to, whatever it thinks of it."""
        steps = script["steps"]
        optional = next((i for i, s in enumerate(steps) if s.partition(" ")[0].endswith("?")), len(steps))
        return max([i for i, s in enumerate(steps[:optional]) if s.partition(" ")[0] in ("C", "TLS", "HELLO", "silence")], default=-1)

    def verified(self, script):
        return script.get("verified", self.wanted(script) != ["certificate"])

    @staticmethod
    def wanted(script):
        return script["code"] if isinstance(script["code"], list) else [script["code"]]

    def findings(self, n):
        script, server, result = self.scripts[n], self.servers[n], self.results[n]
        got = self.code(n)
        if got not in self.wanted(script):
            yield f"error {got!r} and not {script['code']!r}: {json.dumps((result or {}).get('structuredContent', {}).get('error'))}"
        if not server.visits:
            yield "nobody came"
            return
        visit = max(server.visits, key=lambda v: len(v.lines))
        if visit.complaint and (got == "ok" or "neither" in visit.complaint):
            yield visit.complaint
        steps = script["steps"]
        reached = len(steps) if visit.at == "the end" else -1 if visit.at == "the start" else steps.index(visit.at)
        if reached < self.needed(script):
            yield f"the script was played to {visit.at!r} only: {visit.complaint}"
        for v in server.visits:
            exposed = v.clear + (b"" if v.handshake and self.verified(script) else v.covered)
            for form in SECRET_FORMS + USER_FORMS:
                if form in exposed:
                    yield f"credentials before verified TLS: {exposed!r}"
            if VERBS.search(exposed):
                yield f"a sign-in before verified TLS: {exposed!r}"
        said = json.dumps(result)
        if MARK in said:
            yield f"what was said before TLS is shown: {said}"
        for form in SECRET_FORMS:
            if form.decode() in said:
                yield "the password is shown"
        if "like" in script:
            like = next(i for i, s in enumerate(self.scripts) if s["name"] == script["like"] and s["protocol"] == script["protocol"])
            if self.under_tls(n) != self.under_tls(like):
                yield f"otherwise than {script['like']!r} after TLS: {self.under_tls(n)} and not {self.under_tls(like)}"

    def under_tls(self, n):
        """The client's lines within TLS, without tags and what differs from message to message."""
        visit = max(self.servers[n].visits, key=lambda v: len(v.lines))
        lines = visit.lines[visit.lines.index("-- TLS"):] if "-- TLS" in visit.lines else []
        if self.scripts[n]["protocol"] == "imap":
            return [re.sub(r"^a\d+ ", "", line) for line in lines]
        return [line for line in lines[:next((i for i, x in enumerate(lines) if x.startswith("DATA")), len(lines))] if not line.startswith("MAIL")]

    def leaks(self):
        """Over all that the program wrote."""
        for path, data in self.host.files().items():
            name = os.path.relpath(path, self.host.dir)
            for form in SECRET_FORMS:
                if form in data:
                    yield f"the password stands in {name}"
            if name != "trace" and not name.startswith("trace") and MARK.encode() in data:
                at = data.index(MARK.encode())
                yield f"what was said before TLS stands in {name}: {data[max(0, at - 80):at + 40]!r}"
        for text in self.host.written:
            if any(form.decode() in text for form in SECRET_FORMS):
                yield "the password stands in the output"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--only")
    parser.add_argument("--table", nargs="*")
    args = parser.parse_args()
    scripts = []
    for path in args.table or [os.path.join(FOLDER, p + ".json") for p in ("imap", "smtp")]:
        with open(path) as f:
            scripts += json.load(f)
    if args.only:
        scripts = [s for s in scripts if args.only in s["name"] or s["name"].startswith("baseline")]
    begun = time.monotonic()
    host = Host()
    try:
        folder = os.path.join(host.dir, "certificates.secret")
        os.makedirs(folder)
        table = Table(scripts, host, folder)
        table.play()
        bad = {}
        for n, script in enumerate(scripts):
            if found := list(table.findings(n)):
                bad[n] = found
                print(f"{script['protocol']}, {script['name']}:")
                for text in found:
                    print("    " + text[:1500])
        general = list(table.leaks())
        with open(os.path.join(host.home, "host.log")) as f:
            warned = f.read().count("expires in ")
        if warned != (soon := sum(s.get("certificate") == "ends-soon" for s in scripts)):
            general.append(f"{warned} warnings of {soon} certificates that end soon")
        if table.referral.came:
            general.append(f"{table.referral.came} connections to a referral")
        for text in general:
            print(text)
        print(f"{len(scripts)} scripts, {len(scripts) - len(bad)} as they should be; {table.referral.came} referrals followed; "
              f"{time.monotonic() - begun:.1f} s")
    finally:
        host.close()
    print(leaks.summary())
    print(f"{len(scripts) - len(bad)} passed, {len(bad) + len(general)} failed")
    sys.exit(1 if bad or general or not scripts else 0)


if __name__ == "__main__":
    main()
