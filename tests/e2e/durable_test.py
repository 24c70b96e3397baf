#!/usr/bin/env python3
"""Every N-th durable system call of one whole hand-over goes wrong: SIGKILL before and after it, EIO, ENOSPC, a short write. Then: each
message is in the ledger once, and answered once or on record as uncertain.

  durable_test.py [--every 1] [--modes kill_before,...] [--seed N]      every call by default; the suite takes a sample

A hand-over is what happens from the mail's arrival in Dovecot to the reply's arrival at its sender: cursor, event, session, ledger, outbox, SMTP.
A preloaded library (durable/faults.c) counts the durable calls below the host's home. A session that waits for a person is retried, as a
person would; what is uncertain is left alone.
"""
import argparse
import collections
import ctypes
import mmap
import os
import random
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import BUILD, Host, Rig, play, wait_for
from kill_test import AGENT, BLUEPRINT, SUPPLIER, US

LIBRARY = os.path.join(BUILD, "tests", "e2e", "modules", "libdurable_faults.so")
MODES = ["kill_before", "kill_after", "eio", "enospc", "short_write"]


class Control(ctypes.Structure):
    _fields_ = [(n, ctypes.c_uint32) for n in ("armed", "count", "target", "mode", "hit")] + [("what", ctypes.c_char * 64)]


class Test:
    def __init__(self, options):
        self.options = options
        self.host, self.rig = Host(), Rig()
        path = os.path.join(self.host.dir, "control")
        with open(path, "wb") as f:
            f.write(bytes(mmap.PAGESIZE))
        with open(path, "r+b") as f:
            self.map = mmap.mmap(f.fileno(), mmap.PAGESIZE)
        self.control = Control.from_buffer(self.map)
        preload = LIBRARY
        if os.path.basename(BUILD) == "asan":  # its runtime must come first
            preload = os.popen("gcc -print-file-name=libasan.so").read().strip() + ":" + LIBRARY
        self.faulty = {"LD_PRELOAD": preload, "DURABLE_ROOT": self.host.home, "DURABLE_CONTROL": path}
        self.put_in, self.sites, self.points = [], collections.Counter(), collections.Counter()
        self.host.add_credential(self.rig.record("quotes-inbox", US), self.rig.password)
        self.host.ok("blueprint", "add", self.host.write("kill.yaml", BLUEPRINT))
        self.agents = os.path.join(self.host.dir, "agents")
        os.makedirs(self.agents)
        self.host.write("agents/kill-test.yaml", AGENT)

    def start(self):
        self.host.start("--agents", self.agents, env=self.faulty)

    def deliver(self):
        [id] = self.rig.deliver(US, sender=f"Anna <{SUPPLIER}>", subject=f"Quote {len(self.put_in)}")["message_ids"]
        self.put_in.append(id.strip("<>"))

    def inputs(self):
        """{Message-ID: [state of each input]}"""
        found = collections.defaultdict(list)
        for id, state in self.host.rows("SELECT json_extract(payload, '$.email.message_id'), state FROM inputs"):
            found[id].append(state)
        return found

    def settled(self):
        """Whether the last message is done with; a session that waits is retried."""
        if self.host.daemon.poll() is not None:
            return True
        for (id,) in self.host.rows("SELECT id FROM sessions WHERE state='waiting'"):
            self.host.run("sessions", "retry", id)
        [states] = [self.inputs().get(self.put_in[-1], [])]
        return bool(states) and all(s in ("done", "uncertain", "failed") for s in states)

    def one(self, mode, n):
        """One hand-over with the N-th durable call going wrong (0: none). Whether it came to that call."""
        if self.host.daemon is None:
            self.start()
        self.control.count, self.control.target, self.control.mode, self.control.hit = 0, n, MODES.index(mode) + 1, 0
        self.control.armed = 1
        self.deliver()
        what = f"{mode} at call {n}"
        wait_for(f"{what}: message {self.put_in[-1]} is done with", self.settled, 60)
        self.control.armed = 0
        if self.host.daemon.poll() is not None:
            if self.host.daemon.returncode != -9:
                raise AssertionError(f"{what} ({self.control.what.decode()}): the host ended with {self.host.daemon.returncode}: {self.host.log_text()[-1500:]}")
            self.host.daemon = None
            self.start()
            wait_for(f"{what}: after it, message {self.put_in[-1]} is done with", self.settled, 60)
        if self.control.hit:
            self.points[mode] += 1
            self.sites[self.control.what.decode()] += 1
        return bool(self.control.hit)

    def play(self):
        self.start()
        self.one("eio", 0)
        dice = random.Random(self.options.seed)
        begin = time.monotonic()
        for mode in self.options.modes.split(","):
            # From a random first call on, until a hand-over has fewer durable calls than that.
            n = dice.randint(1, self.options.every)
            while self.one(mode, n):
                n += self.options.every
            print(f"{mode:<12} {self.points[mode]:4} points, the last at call {n - self.options.every}", flush=True)
        self.seconds = time.monotonic() - begin
        self.compare()

    def compare(self):
        inputs = self.inputs()
        uncertain = {m for m, states in inputs.items() if "uncertain" in states}
        certain = set(self.put_in) - uncertain
        replies = lambda: collections.Counter((r["in_reply_to"] or "").strip("<>") for r in self.rig.maildir(SUPPLIER))
        try:
            wait_for("every message that is not uncertain is answered", lambda: certain <= set(replies()), 30)
        except AssertionError:
            pass  # counted below
        if self.host.stop() != 0:
            raise AssertionError(f"host-stub run did not end well: {self.host.log_text()[-2000:]}")
        answered = replies()
        violations = {"lost": set(self.put_in) - set(inputs), "handed over twice": {m for m, s in inputs.items() if len(s) > 1},
                      "not put in": (set(inputs) | set(answered)) - set(self.put_in), "answered twice": {m for m, n in answered.items() if n > 1},
                      "unanswered": certain - set(answered), "failed": {m for m, s in inputs.items() if "failed" in s}}
        print(f"seed {self.options.seed}; {sum(self.points.values())} points in {self.seconds:.0f} s, {len(self.sites)} kinds of call: "
              + ", ".join(f"{site} {n}" for site, n in self.sites.most_common(12)))
        print(f"{len(self.put_in)} messages put in, {len(answered)} answered, {len(uncertain)} uncertain; violations "
              f"{sum(map(len, violations.values()))}")
        for what, which in violations.items():
            if which:
                raise AssertionError(f"{what}: {sorted(which)[:5]}")
        if not all(self.points[m] for m in self.options.modes.split(",")):
            raise AssertionError("a mode was never met")

    def close(self):
        try:
            self.host.close()
        finally:
            self.rig.stop()


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--every", type=int, default=1)
    p.add_argument("--modes", default=",".join(MODES))
    p.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    options = p.parse_args()
    return play(Test(options), options.seed)


if __name__ == "__main__":
    sys.exit(main())
