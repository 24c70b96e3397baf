#!/usr/bin/env python3
"""An agent that does what the mail says tries to attach files from outside files_root: by name, by link, by `..`. None goes out."""
import base64
import json
import os
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import RigTest, main, wait_for
from sink import Sink

BLUEPRINT = """trigger:
  source: email
  credential_id: inbox
  match:
    folder: INBOX
  start_from: all
  action:
    agent_id: obedient
    session_template: per-message
    inputs:
      path: "{{ email.subject }}"
"""
AGENT = """agent_id: obedient
type: script
grants:
  out: [send]
steps:
  - call: email_send
    arguments:
      credential_id: out
      to: outsider@outside.example
      subject: as you wish
      text: attached
      attachments:
        - path: "{{ inputs.path }}"
  - finish:
      output_text: done
"""


class Files(RigTest):
    def test_what_lies_outside_stays_there(self):
        sink = Sink()
        self.addCleanup(sink.close)
        root = os.path.join(self.host.dir, "files")
        os.makedirs(os.path.join(root, "sub"))
        self.host.add_credential(self.rig.record("inbox", "obedient@rig.test"), self.rig.password)
        self.host.add_credential(sink.record("out"), "planted-password")
        os.makedirs(os.path.join(self.host.home, "config"), exist_ok=True)
        with open(os.path.join(self.host.home, "config", "email.json"), "w") as f:
            json.dump({"files_root": root}, f)
        (key,) = [os.path.join(self.host.home, n) for n in os.listdir(self.host.home) if "key" in n]
        with open(os.path.join(root, "good.txt"), "w") as f:
            f.write("good")
        os.symlink(key, os.path.join(root, "link"))
        os.symlink("../../home", os.path.join(root, "sub", "up"))
        os.symlink("/", os.path.join(root, "slash"))
        os.symlink("good.txt", os.path.join(root, "inner"))
        os.mkfifo(os.path.join(root, "fifo"))
        name = os.path.basename(key)
        tries = [key, f"../home/{name}", f"sub/../../home/{name}", "link", f"sub/up/{name}", f"slash{key}", f"{root}/link", f"{root}/../home/{name}",
                 f"{root}x/../home/{name}", f"//{key}", f"/proc/self/root{key}", f"/proc/self/cwd/../{key}", "/etc/passwd", "/proc/self/environ",
                 "/dev/zero", "fifo", ".", "sub", "", "a" * 200, f"file://{key}", f"~/{name}", f"good.txt/../link", "..", "/", root]
        self.host.write("blueprint.yaml", BLUEPRINT)
        self.host.ok("blueprint", "add", os.path.join(self.host.dir, "blueprint.yaml"))
        agents = os.path.join(self.host.dir, "agents")
        os.makedirs(agents)
        self.host.write("agents/obedient.yaml", AGENT)
        self.host.start("--agents", agents)
        for path in tries + ["good.txt", "inner"]:
            self.rig.deliver("obedient@rig.test", subject=path)
        def over():
            rows = self.host.json("sessions", "list", "--limit", "100")["sessions"]
            return len(rows) == len(tries) + 2 and all(r["state"] in ("finished", "failed") for r in rows) and rows
        rows = wait_for("every session has ended", over, 60)
        self.assertEqual(sum(r["state"] == "finished" for r in rows), 2, [r for r in rows if r["state"] == "finished"])
        self.assertEqual(len(sink.messages), 2)
        with open(key, "rb") as f:
            secret = f.read()
        for message in sink.messages:
            self.assertIn(base64.b64encode(b"good"), message.data.replace(b"\r\n", b""))
        for raw in sink.raw:
            for form in (secret, base64.b64encode(secret)[:40], b"root:x:0"):
                self.assertNotIn(form, bytes(raw))


if __name__ == "__main__":
    main()
