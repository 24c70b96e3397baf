"""Accounts that sign in with OAuth 2, on a rig that was started with --oauth, and the person who signs in."""
import collections
import os
import re
import selectors
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import harness
from harness import PATIENCE
from oauth_side import Browser, Server

BLUEPRINT = """trigger:
  source: email
  credential_id: me
  match: {folder: INBOX}
  start_from: all
  action:
    agent_id: noted
    session_template: per-message
    inputs: {subject: "{{ email.subject }}"}
"""
AGENT = """agent_id: noted
type: script
steps:
  - finish: {output_text: "noted: {{ inputs.subject }}"}
"""


def add(host, rig, email, grant="authorization_code", id="me", **changes):
    """The account `id`, not yet signed in to where that takes a person."""
    about = rig.info["oauth"]
    client = {"client_credentials": "app." + email.split("@")[0], "service_account": None}.get(grant, "desktop")
    oauth = {"grant": grant, "token_endpoint": about["token_endpoint"], "scopes": ["mail"], "ca_file": rig.info["ca_file"],
             "authorization_endpoint": about["authorization_endpoint"], "device_authorization_endpoint": about["device_authorization_endpoint"],
             **({"client_id": client} if client else {"issuer": about["service_account"], "key_id": about["key_id"]})}
    files = {}
    if grant == "client_credentials":
        files["client_secret"] = host.write(id + ".client.secret", about["client_secret"])
    if grant == "service_account":
        files["service_account_key"] = about["service_account_key_file"]
    server = Server(rig)
    host.planted_later[rig.dir] = lambda: [("a token or code of OAuth 2", secret) for secret in server.control(issued=True)["issued"]]
    host.add_credential(rig.record(id, email, authentication="oauth2", oauth=oauth, **changes), files=files)


class SignIn:
    """`host-stub credential authorize`, which waits for a person."""

    def __init__(self, host, id="me", *options):
        self.process = host.popen("credential", "authorize", id, *options, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.host, self.text = host, ""

    def until(self, pattern, seconds=30):
        """The first match in what it has printed."""
        os.set_blocking(self.process.stdout.fileno(), False)
        end = time.monotonic() + seconds * PATIENCE
        with selectors.DefaultSelector() as ready:
            ready.register(self.process.stdout, selectors.EVENT_READ)
            while not (found := re.search(pattern, self.text)):
                if time.monotonic() > end or self.process.poll() is not None and not ready.select(0):
                    raise AssertionError(f"credential authorize did not say {pattern}: {self.text}")
                if ready.select(0.2):
                    part = self.process.stdout.read()
                    if part == b"":
                        self.process.wait()
                        if not re.search(pattern, self.text):
                            raise AssertionError(f"credential authorize ended without {pattern}: {self.text}")
                    self.text += (part or b"").decode(errors="replace")
        return found

    def end(self):
        """(exit status, everything it printed)"""
        os.set_blocking(self.process.stdout.fileno(), True)
        self.text += self.process.stdout.read().decode(errors="replace")
        status = self.process.wait(timeout=60 * PATIENCE)
        self.host.written.append(self.text)
        harness.no_sanitizer_report(self.text, "credential authorize")
        return status, self.text


def approve(host, rig, account, id="me", answer="yes"):
    """A person signs in: in the browser that the program sent them to. (exit status, what the program printed, the browser's last page)"""
    sign_in = SignIn(host, id)
    url = sign_in.until(r"https://\S+").group(0)
    if "user_code=" not in url and "client_id=" not in url:  # the device flow's short address: the code is typed in
        url += "?user_code=" + sign_in.until(r"\b[A-Z]{4}-[A-Z]{4}\b").group(0)
    page = Browser(rig.info["ca_file"]).approve(url, account, answer)
    return (*sign_in.end(), page)


def signed_in(host, rig, email, grant="authorization_code", id="me", **changes):
    """An account that works; returns the Server."""
    add(host, rig, email, grant, id, **changes)
    if grant in ("authorization_code", "device_code"):
        status, text, page = approve(host, rig, email, id)
        if status != 0:
            raise AssertionError(f"credential authorize: exit {status}: {text} {page}")
    return Server(rig)


def watching(host):
    """Starts the host; it watches the account's INBOX, a session for each message."""
    host.ok("blueprint", "add", host.write("noted.yaml", BLUEPRINT))
    os.makedirs(os.path.join(host.dir, "agents"))
    host.write("agents/noted.yaml", AGENT)
    host.start("--agents", os.path.join(host.dir, "agents"))


def handed_over(host):
    """How often each message was, by Message-ID."""
    return collections.Counter(m for (m,) in host.rows("SELECT json_extract(payload, '$.email.message_id') FROM inputs"))


def expire(server):
    """The access tokens of the moment, of 2 s, are worthless when this returns, and those made from now on are good for an hour. (What is tried
    is that time ends them.)"""
    time.sleep(2.1)
    server.control(life=3600)
