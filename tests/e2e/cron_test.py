"""Blueprints of source cron under a virtual clock: each tick one session, over kill -9 on its way; what is missed; next times."""
import os
import re
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import harness
from harness import Host, wait_for

AGENT = """agent_id: noted
type: script
steps:
  - finish:
      output_text: "{{ trigger.cron.scheduled }}"
"""
BLUEPRINT = """trigger:
  source: cron
  %s
  action:
    agent_id: noted
    inputs:
      scheduled: "{{ trigger.cron.scheduled }}"
      local: "{{ cron.local }}"
      all: "{{ trigger.cron }}"
"""
# Where the host dies between the tick and the end of its session: before and after each transaction, and within them.
STAGES = ["trigger.emit", "store.begin~emit", "store.commit~emit", "store.committed~emit", "session.spawn", "store.commit~handover",
          "store.committed~handover", "handover", "store.committed~session.claim"]


class Cron(unittest.TestCase):
    def setUp(self):
        self.host = Host()
        self.addCleanup(self.host.close)
        self.agents = os.path.join(self.host.dir, "agents")
        os.makedirs(self.agents)
        self.host.write("agents/noted.yaml", AGENT)

    def start(self, at, *args):
        self.host.start("--virtual-clock", "--clock-start", at, "--agents", self.agents, *args)

    def add(self, name, when):
        return self.host.ok("blueprint", "add", self.host.write(name + ".yaml", BLUEPRINT % when))

    def advance(self, duration):
        return self.host.run("clock", "advance", duration)

    def finished(self, blueprint):
        """The scheduled times that its finished sessions had, sorted; every session has one turn."""
        out = []
        for s in self.host.json("sessions", "list", "--limit", "1000")["sessions"]:
            if s["blueprint"] == blueprint and s["state"] == "finished":
                self.assertEqual((s["inputs"], s["done"]), (1, 1))
                out.append(self.host.json("sessions", "show", s["id"])["turns"][0]["inputs"])
        return sorted(out, key=lambda i: i["scheduled"])

    def wait(self, blueprint, n):
        wait_for(f"{n} sessions of {blueprint}",
                 lambda: sum(s["blueprint"] == blueprint and s["state"] == "finished"
                             for s in self.host.json("sessions", "list", "--limit", "1000")["sessions"]) >= n, 30)

    def taken(self, blueprint):
        """By a host that did not have it before: it knows when to look next."""
        wait_for(f"{blueprint} is taken", lambda: self.host.rows(f"SELECT 1 FROM sources WHERE key LIKE '%{blueprint}%' AND health LIKE '%next%'"), 20)

    def test_each_tick_is_one_session_whereever_the_host_is_killed(self):
        at = lambda n: f"2027-03-28T{(n * 15) // 60:02d}:{(n * 15) % 60:02d}:00Z"
        self.start(at(0))
        self.add("quarter", "cron: \"*/15 * * * *\"\n  timezone: Europe/Berlin")
        self.taken("quarter")
        for n, stage in enumerate(STAGES, start=1):
            self.host.kill()
            self.start(at(n - 1), "--fault", f"{stage}=kill")
            self.advance("15m")
            wait_for(f"death at {stage}", lambda: self.host.daemon.poll() is not None, 30)
            self.assertEqual(self.host.daemon.returncode, -9, stage)
            self.start(at(n))
            self.wait("quarter", n)
        self.advance("2h")  # many at once: none is missed while the host is up
        self.wait("quarter", len(STAGES) + 8)
        self.assertEqual(self.host.stop(), 0)
        found = self.finished("quarter")
        self.assertEqual([i["scheduled"] for i in found], [at(n) for n in range(1, len(STAGES) + 9)])
        self.assertEqual(found[0]["local"], "2027-03-28T01:15:00+01:00")
        self.assertEqual(found[4]["local"], "2027-03-28T03:15:00+02:00")
        self.assertEqual(found[4]["all"], {"scheduled": at(5), "local": "2027-03-28T03:15:00+02:00", "timezone": "Europe/Berlin", "fired": at(5), "missed": 0})
        self.assertEqual(len(self.host.rows("SELECT 1 FROM sessions")), len(found))

    def test_missed_ticks_run_once_or_are_skipped(self):
        self.start("2027-01-10T00:00:00Z")
        self.add("once", "cron: 0 9 * * *")
        self.add("skip", "cron: 0 9 * * *\n  missed: skip")
        self.assertEqual(self.host.stop(), 0)
        self.start("2027-01-13T12:00:00Z")
        self.wait("once", 1)
        wait_for("the record", lambda: len(self.host.rows("SELECT 1 FROM decisions")) == 2, 20)
        self.advance("21h")
        self.wait("once", 2)
        self.wait("skip", 1)
        self.assertEqual([(i["scheduled"], i["all"]["fired"], i["all"]["missed"]) for i in self.finished("once")],
                         [("2027-01-13T09:00:00Z", "2027-01-13T12:00:00Z", 3), ("2027-01-14T09:00:00Z", "2027-01-14T09:00:00Z", 0)])
        self.assertEqual([i["scheduled"] for i in self.finished("skip")], ["2027-01-14T09:00:00Z"])
        self.assertEqual(self.host.rows("SELECT blueprint, decision, why FROM decisions ORDER BY blueprint"),
                         [("once", "merged", "3 missed until 2027-01-13T09:00:00Z; one stands for all (missed: run_once)"),
                          ("skip", "skipped", "4 missed until 2027-01-13T09:00:00Z (missed: skip)")])
        self.assertEqual(self.host.stop(), 0)

    def test_check_tells_the_next_three_times_and_what_is_wrong(self):
        self.start("2027-10-30T12:00:00Z")
        def check(when, *args):
            return self.host.run("blueprint", "check", self.host.write("b.yaml", BLUEPRINT % when), *args)
        self.assertIn("b.yaml: ok; cron {\"blueprint\":\"b\"} starts noted per-message\n"
                      "  next: 2027-10-31T02:30:00+02:00\n  next: 2027-11-01T02:30:00+01:00\n  next: 2027-11-02T02:30:00+01:00\n",
                      check("cron: 30 2 * * *\n  timezone: Europe/Berlin").stdout)
        self.assertIn('"next": [', check("every: 1h", "--json").stdout)
        wrong = check("cron: 61 * * * *")
        self.assertEqual(wrong.returncode, 1)
        self.assertIn("b.yaml:3:9: trigger.cron: minute \"61\": 61 is not within 0 to 59", wrong.stderr)
        past = self.host.run("blueprint", "add", self.host.write("past.yaml", BLUEPRINT % "at: 2027-10-30T11:59:00Z"))
        self.assertEqual(past.returncode, 1)
        self.assertIn("has passed; nothing would ever start", past.stderr)
        self.add("future", "at: 2027-10-31T03:00\n  timezone: Europe/Berlin")
        self.taken("future")
        self.advance("48h")
        self.wait("future", 1)
        self.assertEqual(self.finished("future")[0]["local"], "2027-10-31T03:00:00+01:00")
        r = self.host.run("run", "--clock-start", "2027-10-31T03:00:00Z")
        self.assertEqual((r.returncode, "requires" in r.stderr), (2, True), r.stderr)
        r = self.host.run("run", "--virtual-clock", "--clock-start", "soon")
        self.assertTrue(r.returncode == 2 and re.search("--clock-start: \"soon\" is no time", r.stderr), r.stderr)


if __name__ == "__main__":
    harness.main()
