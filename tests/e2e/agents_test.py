#!/usr/bin/env python3
"""Agents that are programs: each kind of misbehaviour is a failed session that says why, and nothing else is touched; a real MCP client works.

The agents are tests/e2e/agents/agent.py, without a library, and tests/js/mcp_agent.js on the MCP SDK.
"""
import json
import os
import sys

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.path.insert(0, os.path.join(HERE, "../js"))
import modules
from harness import RigTest, main, wait_for

AGENT_PY = os.path.join(HERE, "agents", "agent.py")
BLUEPRINT = """trigger:
  source: email
  credential_id: inbox
  match: {{folder: INBOX, subject_regex: "^{name}$"}}
  start_from: all
  action:
    agent_id: {name}
    session_template: per-message
    inputs: {{subject: "{{{{ email.subject }}}}"}}
"""
FINISHED, FAILED = "finished", "failed"
# name: behaviour of agent.py with its arguments, the agent file's limits, how the session ends, words of its error
CASES = {
    "good": (["finishes"], {}, FINISHED, []),
    "modern": (["without_handshake"], {}, FINISHED, []),
    "lingers": (["lingers"], {}, FINISHED, []),
    "daemon": (["leaves_a_daemon", "{dir}/daemon.pid"], {}, FINISHED, []),
    "afterwards": (["after_the_end", "email_search"], {}, FINISHED, []),
    "twins": (["same_id_twice", "email_mailboxes"], {}, FINISHED, []),
    "mistaken": (["mistaken", "email_mailboxes"], {}, FINISHED, []),
    "warned": (["not_granted", "email_send"], {"refusals": 1}, FINISHED, []),
    "thrifty": (["reports_tokens", "5"], {}, FINISHED, []),
    "early": (["exits", "0"], {}, FAILED, ["ended without session_finish"]),
    "status": (["exits", "3", "cannot go on"], {}, FAILED, ["exit status 3", "its last words: cannot go on"]),
    "undone": (["finishes_and_exits", "4"], {}, FAILED, ["exit status 4"]),
    "hangs": (["hangs"], {"time": "3s"}, FAILED, ["time limit of 3 s"]),
    "floods": (["floods"], {"output_bytes": 3000000}, FAILED, ["3000000 bytes", "limits.output_bytes"]),
    "complains": (["floods_errors"], {"output_bytes": 3000000}, FAILED, ["limits.output_bytes"]),
    "endless": (["endless_line"], {}, FAILED, ["a line longer than 4194304 bytes"]),
    "notifies": (["notifies"], {"steps": 200}, FAILED, ["limit of 200 lines"]),
    "asks": (["calls", "email_mailboxes", "email_mailboxes", "email_mailboxes"], {"calls": 2}, FAILED, ["limit of 2 calls"]),
    "broken": (["broken_json"], {}, FAILED, ["not JSON"]),
    "half": (["half_a_line"], {}, FAILED, ["ended within a line"]),
    "zeros": (["zeros"], {}, FAILED, ["not JSON"]),
    "deep": (["deep"], {}, FAILED, ["not JSON"]),
    "sender": (["not_granted", "email_send"], {}, FAILED, ["called email_send, for which it has no grant"]),
    "stranger": (["not_granted", "email_mailboxes", '{"credential_id": "other"}'], {}, FAILED, ["no grant", "\"other\""]),
    "regicide": (["kills_its_guard"], {}, FAILED, ["guard was killed"]),
    "jailer": (["freezes_its_guard"], {"time": "3s"}, FAILED, ["time limit of 3 s"]),
    "frozen": (["freezes"], {"time": "3s"}, FAILED, ["time limit of 3 s"]),
    "mute": (["closes_output"], {}, FAILED, ["closed its output"]),
    "deaf": (["reads_nothing", "email_search"], {"time": "4s", "steps": 1000000}, FAILED, ["time limit of 4 s"]),
    "spender": (["reports_tokens", "2000000"], {}, FAILED, ["reports 2000000 tokens", "limits.tokens"]),
    "missing": (None, {}, FAILED, ["\"./no-such-program\" cannot be started: No such file or directory"]),
}


class Agents(RigTest):
    def setUp(self):
        super().setUp()
        self.user = self._testMethodName[:40] + "@rig.test"
        self.host.add_credential(self.rig.record("inbox", self.user), self.rig.password)
        self.host.add_credential(self.rig.record("other", "other@rig.test"), self.rig.password)
        self.agents = os.path.join(self.host.dir, "agents")
        os.makedirs(self.agents)

    def agent(self, name, command, limits=None, environment=None):
        """An agent, and a blueprint that starts it for messages with its name as their subject."""
        self.host.write(f"agents/{name}.yaml", json.dumps({"agent_id": name, "type": "command", "command": command, "grants": {"$trigger": ["read"]},
                                                           "limits": limits or {}, "environment": environment or {}}))
        self.host.ok("blueprint", "add", self.host.write(f"{name}.yaml", BLUEPRINT.format(name=name)))

    def start(self, **kw):
        self.host.start("--agents", self.agents, **kw)

    def sessions(self, count, seconds=60):
        """By agent, once `count` have ended."""
        def over():
            rows = self.host.json("sessions", "list", "--limit", "100")["sessions"]
            return len(rows) == count and all(r["state"] in (FINISHED, FAILED) for r in rows) and rows
        return {row["agent_id"]: row for row in wait_for(f"{count} sessions have ended", over, seconds)}

    def processes(self):
        """Of agents: those that work in their folder."""
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                if os.readlink(f"/proc/{pid}/cwd") == self.agents:
                    found.append(int(pid))
            except OSError:
                pass
        return found

    def test_misbehaving(self):
        for name, (words, limits, _, _) in CASES.items():
            command = [sys.executable, AGENT_PY, *(w.replace("{dir}", self.host.dir) for w in words)] if words else ["./no-such-program"]
            self.agent(name, command, limits)
        self.start()
        for name in CASES:
            self.rig.deliver(self.user, subject=name)
        rows = self.sessions(len(CASES), 120)
        for name, (_, _, state, words) in CASES.items():
            with self.subTest(name):
                row = rows[name]
                self.assertEqual(row["state"], state, row)
                for word in words:
                    self.assertIn(word, row["error"])
        ledger = {name: self.host.json("sessions", "show", rows[name]["id"])["ledger"] for name in ("sender", "stranger", "twins", "mistaken", "thrifty", "good")}
        self.assertEqual([(s["tool"], s["status"]) for s in ledger["sender"]], [("email_send", "failed")])
        self.assertEqual([(s["tool"], s["status"]) for s in ledger["stranger"]], [("email_mailboxes", "failed")])
        self.assertEqual(json.loads(ledger["twins"][-1]["result"]["output_text"]), ["error", "result", "result"])
        # Refused before a module heard of it: a repetition is new work, a step of its own.
        self.assertEqual([(s["tool"], s["status"]) for s in ledger["mistaken"][:-1]], [("email_mailboxes", "failed")] * 2)
        self.assertEqual(json.loads(ledger["mistaken"][-1]["result"]["output_text"]), [True, True])
        self.assertEqual(ledger["thrifty"][-1]["result"]["tokens"], 5)
        # Exactly what is granted: what reads, of the one account, and of the tools without account those that read only.
        said = json.loads(ledger["good"][-1]["result"]["output_html"])
        self.assertIn("email_search", said["tools"])
        self.assertIn("email_templates", said["tools"])
        for tool in ("email_send", "email_reply", "email_draft", "email_update", "documents_remove"):
            self.assertNotIn(tool, said["tools"])
        self.assertEqual(said["version"], "2025-11-25")
        self.assertEqual(said["input"]["trigger"]["email"]["subject"], "good")
        self.assertEqual(self.rig.maildir("outsider@rig.test"), [])
        wait_for("no process is left", lambda: not self.processes(), 20)
        with open(os.path.join(self.host.dir, "daemon.pid")) as f:
            self.assertFalse(os.path.exists(f"/proc/{f.read()}"))
        self.assertEqual(self.host.stop(), 0)

    def test_the_sdk_of_others(self):
        """Both lines of the MCP SDK: the one with a handshake, and the one that finds revision 2026-07-28."""
        variables = {"NODE_PATH": modules.node_modules()}
        for name in ("sdk1", "sdk2"):
            self.agent(name, ["node", os.path.join(HERE, "../js/mcp_agent.js"), name], environment=variables)
        self.start()
        for name in ("sdk1", "sdk2"):
            self.rig.deliver(self.user, subject=name)
        rows = self.sessions(2)
        for name, revision in (("sdk1", "with a handshake"), ("sdk2", "2026-07-28")):
            with self.subTest(name):
                row = rows[name]
                self.assertEqual(row["state"], FINISHED, row)
                shown = self.host.json("sessions", "show", row["id"])
                self.assertEqual([(s["step"], s["tool"], s["status"]) for s in shown["ledger"]],
                                 [("1/0", "email_search", "done"), ("1/1", "email_search", "failed"), ("1/finish", "", "done")])
                said = json.loads(shown["ledger"][-1]["result"]["output_text"])
                self.assertEqual((said["revision"], said["subject"], said["server"]["name"]), (revision, name, "mailroom-host"))
                self.assertEqual([m["subject"] for m in said["found"]["messages"]], [name])
                self.assertIn("email_search", said["tools"])
                self.assertTrue(said["wrong"])
                self.assertIn("email_search  done", self.host.ok("sessions", "show", row["id"]))

    def test_kill_of_the_host(self):
        """The agent goes with it, and its session goes on at the next start."""
        mark = os.path.join(self.host.dir, "pid")
        self.agent("hangs", [sys.executable, AGENT_PY, "hangs", mark])
        self.start()
        self.rig.deliver(self.user, subject="hangs")
        wait_for("the agent is there", lambda: os.path.exists(mark), 30)
        with open(mark) as f:
            pid = int(f.read())
        self.assertIn(pid, self.processes())
        self.host.kill()
        wait_for("the agent has gone", lambda: not self.processes(), 20)
        self.agent("hangs", [sys.executable, AGENT_PY, "finishes", "after the crash"])
        self.start()
        row = self.sessions(1)["hangs"]
        self.assertEqual(row["state"], FINISHED, row)

    def test_kill_within_a_call(self):
        """What was begun is finished, under its key, before the agent starts anew; what it repeats is answered from the record."""
        self.agent("two", [sys.executable, AGENT_PY, "calls_with", "email_search", '{"mailbox": "INBOX"}'])
        self.start(env={"AOH_FAULTS": "session.step@1=kill"})
        self.rig.deliver(self.user, subject="two")
        wait_for("the crash", lambda: self.host.daemon.poll() is not None, 30)
        self.host.daemon = None
        self.start()
        row = self.sessions(1)["two"]
        self.assertEqual(row["state"], FINISHED, row)
        ledger = self.host.json("sessions", "show", row["id"])["ledger"]
        self.assertEqual([(s["step"], s["tool"], s["status"]) for s in ledger], [("1/0", "email_search", "done"), ("1/finish", "", "done")])
        self.assertEqual(ledger[0]["attempts"], 2)


if __name__ == "__main__":
    main()
