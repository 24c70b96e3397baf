#!/usr/bin/env python3
"""Mail for half an hour while everything breaks at random: kills, cuts without a word, servers that restart, UIDVALIDITY resets, a suspended
host, a wall clock that is set, a second client that churns the mailbox. Then: what was put in is what was handed over is what was answered.

  soak_test.py [--messages 10000] [--seconds 1800] [--seed N] [--faults kill,cut,...]

The host lives in a network namespace of its own. A session that waits for a person is retried when all is over, as a person would.
"""
import argparse
import collections
import email
import os
import random
import sys
import threading
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import BUILD, Host, Rig, play, wait_for
from kill_test import AGENT, BLUEPRINT, SUPPLIER, US
from soak_world import Churner, Clock, Network, renumber, suspend

# fault: how often it is drawn
WEIGHTS = {"kill": 8, "cut": 6, "long cut": 1, "restart dovecot": 4, "restart postfix": 3, "kick": 6, "renumber": 3, "suspend": 3, "clock": 4}
DAY = 86400
CLOCK = os.path.join(BUILD, "tests", "e2e", "modules", "libsoak_clock.so")


class Soak:
    def __init__(self, options):
        self.o, self.dice = options, random.Random(options.seed)
        self.rig, self.host, self.network = Rig(), Host(), Network()
        self.clock = Clock(self.host, CLOCK)
        self.clock.set(2 * DAY)
        self.put_in, self.faults, self.recovery = [], collections.Counter(), collections.defaultdict(list)
        self.host.add_credential(self.rig.record("quotes-inbox", US), self.rig.password)
        self.host.ok("blueprint", "add", self.host.write("kill.yaml", BLUEPRINT))
        self.agents = os.path.join(self.host.dir, "agents")
        os.makedirs(self.agents)
        self.host.write("agents/kill-test.yaml", AGENT)
        self.churner = Churner(self.rig, US, random.Random(options.seed + 1))
        self.stopped, self.lock, self.postfix, self.replies = threading.Event(), threading.Lock(), threading.Lock(), {}

    def start(self):
        self.host.start("--agents", self.agents, limits=self.network.enter, env=self.clock.env)

    def deliver(self, n):
        made = self.rig.deliver(US, sender=f"Anna <{SUPPLIER}>", count=n, subject=f"Quote {len(self.put_in)}+{{n}}")
        self.put_in += [m.strip("<>") for m in made["message_ids"]]

    def handed_over(self):
        return {m for (m,) in self.host.rows("SELECT json_extract(payload, '$.email.message_id') FROM inputs")}

    def answered(self):
        """{Message-ID: replies to it}; each file is read once."""
        folder = os.path.join(self.rig.dir, "mail", SUPPLIER, "Maildir", "new")
        with self.lock:
            for name in os.listdir(folder) if os.path.isdir(folder) else []:
                if name not in self.replies:
                    with open(os.path.join(folder, name), "rb") as f:
                        self.replies[name] = (email.message_from_binary_file(f)["In-Reply-To"] or "").strip("<> ")
            return collections.Counter(self.replies.values())

    def fault(self, name):
        """Breaks it and mends it again."""
        if name == "kill":
            self.host.kill()
            self.start()
        elif name in ("cut", "long cut"):
            self.network.cut()
            time.sleep(self.dice.uniform(1, 20) if name == "cut" else 150)  # keep-alive takes two minutes to see a dead peer
            self.network.mend()
        elif name == "restart dovecot":
            self.rig.run("server", "dovecot", "restart")
        elif name == "restart postfix":
            with self.postfix:  # what a batch cut in the middle had put in would not be known
                self.rig.run("server", "postfix", "restart")
        elif name == "kick":
            self.rig.run("kick", "--user", US)
        elif name == "renumber":
            if not renumber(self.rig, US):
                return False
        elif name == "suspend":
            suspend(self.host.daemon.pid, self.dice.uniform(1, 30))
        elif name == "clock":
            self.clock.set(2 * DAY + self.dice.choice([-1, 1]) * self.dice.choice([5, 60, 3600, DAY]) * self.dice.uniform(0.5, 2))
        return True

    def feed(self):
        """Mail at an even pace, from a thread of its own, whatever breaks meanwhile."""
        begin = time.monotonic()
        while len(self.put_in) < self.o.messages:
            due = min(self.o.messages, int((time.monotonic() - begin) / self.o.seconds * self.o.messages) + 1)
            n = min(due - len(self.put_in), 50)
            if n > 0:
                with self.postfix:
                    self.deliver(n)
            time.sleep(0.5)

    def churn(self):
        while not self.stopped.wait(3):
            self.churner.once(set(self.answered()))

    def play(self):
        self.start()
        threads = [threading.Thread(target=f, daemon=True) for f in (self.feed, self.churn)]
        for t in threads:
            t.start()
        begin = time.monotonic()
        names = [n for n in WEIGHTS if not self.o.faults or n in self.o.faults.split(",")]
        while time.monotonic() - begin < self.o.seconds:
            time.sleep(self.dice.uniform(2, 12))
            name = self.dice.choices(names, [WEIGHTS[n] for n in names])[0]
            if name == "long cut" and time.monotonic() - begin + 200 > self.o.seconds:
                continue
            if self.fault(name):
                self.faults[name] += 1
                self.measure(name)
        threads[0].join(timeout=120)
        self.stopped.set()
        threads[1].join(timeout=60)
        if threads[0].is_alive():
            raise AssertionError("the mail was not all put in")
        self.finish()
        self.compare(time.monotonic() - begin)

    def measure(self, name):
        """Seconds from the end of a fault to the hand-over of a message that was put in after it; printed, not judged."""
        mark, start = len(self.put_in), time.monotonic()
        while time.monotonic() - start < 240:
            if self.handed_over() & set(self.put_in[mark:]):
                self.recovery[name].append(time.monotonic() - start)
                return
            if len(self.put_in) >= self.o.messages:
                return
            time.sleep(0.2)
        raise AssertionError(f"no message was handed over within 240 s after: {name}")

    def finish(self):
        wait_for("all messages handed over", lambda: set(self.put_in) <= self.handed_over(), 300)
        def still():
            for (id,) in self.host.rows("SELECT id FROM sessions WHERE state='waiting'"):
                self.host.run("sessions", "retry", id)
            return not self.host.rows("SELECT 1 FROM inputs WHERE state NOT IN ('done', 'uncertain', 'failed') LIMIT 1")
        wait_for("every session at its end", still, 300)
        def sent():
            return not [r for r in self.host.json("outbox", "list")["outbox"] if r["state"] in ("queued", "prepared", "committing")]
        wait_for("the outbox is through", sent, 300)
        if self.host.stop() != 0:
            raise AssertionError(f"host-stub run did not end well: {self.host.log_text()[-2000:]}")

    def compare(self, seconds):
        rows = self.host.rows("SELECT json_extract(payload, '$.email.message_id'), state, error FROM inputs")
        by_session = collections.Counter(m for m, *_ in rows)
        uncertain = {m for m, state, _ in rows if state == "uncertain"}
        put_in = set(self.put_in)
        certain = put_in - uncertain
        try:
            wait_for("the replies", lambda: certain <= set(self.answered()), 60)
        except AssertionError:
            pass  # counted below
        answered = self.answered()
        violations = {"lost": put_in - set(by_session), "handed over twice": {m for m, n in by_session.items() if n > 1},
                      "not put in": (set(by_session) | set(answered)) - put_in, "answered twice": {m for m, n in answered.items() if n > 1},
                      "unanswered": certain - set(answered), "failed": {m for m, state, _ in rows if state == "failed"}}
        print(f"soak: seed {self.o.seed}, {seconds:.0f} s, {sum(self.faults.values())} faults, {self.churner.done} rounds of the second client")
        for name, n in self.faults.most_common():
            times = sorted(self.recovery[name])
            said = f"handed over again after {times[len(times) // 2]:.1f} s (median), {times[-1]:.1f} s (worst)" if times else ""
            print(f"  {name:<16} {n:4}  {said}")
        print(f"{len(put_in)} put in, {len(by_session)} handed over, {len(answered)} answered, {len(uncertain)} uncertain ({len(uncertain & set(answered))} "
              f"of them had gone out); " + ", ".join(f"{what} {len(which)}" for what, which in violations.items()), flush=True)
        for error, n in collections.Counter(error for _, state, error in rows if state == "failed").most_common(5):
            print(f"  failed {n}: {error}", flush=True)
        for what, which in violations.items():
            if which:
                raise AssertionError(f"{what}: {sorted(which)[:5]}")

    def close(self):
        self.stopped.set()
        try:
            self.host.close()
        finally:
            self.rig.stop()
            self.network.close()


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--messages", type=int, default=10_000)
    p.add_argument("--seconds", type=int, default=1800)
    p.add_argument("--faults", default="", help="only these: " + ",".join(WEIGHTS))
    p.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 30))
    options = p.parse_args()
    print(f"soak: {options.messages} messages in {options.seconds} s, seed {options.seed}", flush=True)
    return play(Soak(options), options.seed)


if __name__ == "__main__":
    sys.exit(main())
