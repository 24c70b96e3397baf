"""What the tests of single providers have in common: scripted servers under TLS, an account that names a preset, a watch under a virtual clock."""
import json
import os
import re
import unittest

from harness import Host, wait_for
from imap_script import ImapScript, message
from scripted_tls import Certificate
from sink import Sink

BLUEPRINT = """trigger:
  source: email
  credential_id: me
  match:
    folder: "{folder}"
  start_from: {start}
  action:
    agent_id: noted
    session_template: per-message
    inputs:
      subject: "{{{{ email.subject }}}}"
"""
AGENT = """agent_id: noted
type: script
steps:
  - finish:
      output_text: "noted <{{ inputs.subject }}>"
"""


class Provider(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.tls = Certificate()

    @classmethod
    def tearDownClass(cls):
        cls.tls.close()

    def setUp(self):
        self.host = Host()
        self.addCleanup(self.host.close)

    def server(self, preset, fault=None, capabilities="IMAP4rev1", subjects=(), auth="SASL-IR AUTH=PLAIN", add=True, **more):
        server = ImapScript(capabilities, fault, auth=auth, tls=self.tls, preset=preset)
        self.addCleanup(server.close)
        for n, subject in enumerate(subjects):
            server.boxes["INBOX"].add(message(subject, n, text=f"The text of {subject}.\r\n"))
        if add:
            self.host.add_credential(server.record(**more), "planted-password")
        return server

    def sink(self, preset, imap=None, **more):
        sink = Sink(tls=self.tls, **more)
        self.addCleanup(sink.close)
        record = sink.record(email="me@rig.test", provider=preset)
        if imap:
            record["imap"] = imap.record()["imap"]
        self.host.add_credential(record, "planted-password")
        return sink

    def call(self, tool, **args):
        return self.host.call(tool, {"credential_id": "me", **args})

    def refused(self, tool, **args):
        r = self.host.run("call", tool, json.dumps({"credential_id": "me", **args}), "--json")
        self.assertNotEqual(r.returncode, 0, r.stdout)
        return json.loads(r.stdout)["structuredContent"]["error"]

    def found(self, **args):
        return [m["subject"] for m in self.call("email_search", **args)["messages"]]

    def send(self, key="k", **more):
        args = {"credential_id": "me", "to": ["ann@rig.test"], "subject": "s", "text": "t", "idempotency_key": key, **more}
        return json.loads(self.host.run("call", "email_send", json.dumps(args), "--json").stdout)["structuredContent"]

    def watch(self, *folders, start="all"):
        """A daemon under a virtual clock, a blueprint for each folder."""
        folders = folders or ("INBOX",)
        agents = os.path.join(self.host.dir, "agents")
        os.makedirs(agents)
        self.host.write("agents/noted.yaml", AGENT)
        for n, folder in enumerate(folders):
            self.host.ok("blueprint", "add", self.host.write(f"noted{n}.yaml", BLUEPRINT.format(folder=folder, start=start)))
        self.trace = os.path.join(self.host.dir, "trace")
        self.host.start("--virtual-clock", "--trace", self.trace, "--agents", agents)

    def watchers(self):
        return self.call("email_watch", action="status")["watchers"]

    def state(self, *wanted):
        return wait_for(f"the watcher is {wanted}", lambda: next((w for w in self.watchers() if w["state"] in wanted), None), 15)

    def idles(self, server, times=1):
        """Waits until the IDLE of that number is under way, so that the clock may jump without a time-out."""
        def there():
            with open(self.trace, errors="replace") as f:
                return len(re.findall(r"S: \+ idling", f.read())) >= times
        wait_for(f"IDLE number {times}", there, 15)

    def advance(self, time):
        self.host.ok("clock", "advance", time)

    def noted(self, *subjects):
        """Waits until there is a session for each, and none besides."""
        def there():
            sessions = self.host.json("sessions", "list")["sessions"]
            return len(sessions) >= len(subjects) and all(s["state"] == "finished" for s in sessions) and sessions
        sessions = wait_for(f"sessions for {subjects}", there, 15)
        said = [re.search(r"noted <([^>]*)>", json.dumps(self.host.json("sessions", "show", s["id"])))[1] for s in sessions]
        self.assertEqual(sorted(said), sorted(subjects))

    def renewals(self, server, time):
        """How long an IDLE lasts: not `time` less a second, but `time`."""
        self.idles(server)
        seconds = int(time[:-1])
        self.advance(f"{seconds - 1}s")
        self.host.ok("sessions", "list")  # the daemon turned around once more
        self.assertEqual((server.count("DONE"), server.count("IDLE")), (0, 1))
        self.advance("1s")
        wait_for("DONE and a new IDLE", lambda: (server.count("DONE"), server.count("IDLE")) == (1, 2), 15)
