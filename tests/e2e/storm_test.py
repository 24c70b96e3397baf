#!/usr/bin/env python3
"""Many sends while connections are cut at random and the host is killed at random: nothing is lost, nothing goes twice, and what nobody
can know is on record.

  storm_test.py [--messages 120] [--kills 6] [--callers 4] [--seed N]      the long one: --messages 1000 --kills 40
"""
import argparse
import collections
import json
import os
import queue
import random
import subprocess
import sys
import threading
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import leaks
from harness import PATIENCE, STUB, Host
from sink import Sink


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--messages", type=int, default=120)
    p.add_argument("--kills", type=int, default=6)
    p.add_argument("--callers", type=int, default=4)
    p.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 30))
    a = p.parse_args()
    chance = random.Random(a.seed)
    print(f"storm: {a.messages} messages, {a.kills} kills, seed {a.seed}", flush=True)

    sink, host = Sink(), Host()
    cuts = collections.Counter()
    calm = threading.Event()

    def roll(name, probability):
        if calm.is_set() or chance.random() >= probability:
            return False
        cuts[name] += 1
        return True

    def on_end(message):
        if roll("dot, not taken", 0.03):
            return None
        if roll("dot, taken, answer lost", 0.03):
            with sink.lock:
                sink.messages.append(message)
            return None
        if roll("4xx after the dot", 0.03):
            return "451 4.3.0 try again"
        return "250 2.0.0 queued"

    sink.cut_at_line = lambda: roll("in a line", 0.004)
    sink.on_mail = lambda s: None if roll("at MAIL", 0.02) else "421 4.3.2 closing" if roll("421", 0.02) else "250 2.1.0 ok"
    sink.on_rcpt = lambda s, r: None if roll("at RCPT", 0.02) else "450 4.2.0 later" if roll("450", 0.02) else "250 2.1.5 ok"
    sink.on_end = on_end

    host.add_credential(sink.record(), "planted-password")
    # Most retries wait minutes; the virtual clock is turned all the while, so that what is queued goes soon.
    now = [time.time()]  # the host's clock goes on over a restart, else what is queued would wait for a time long gone by
    def start_host():
        host.start("--virtual-clock", "--clock-start", time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now[0])))
    start_host()
    work, final, failures = queue.Queue(), {}, []
    for n in range(a.messages):
        work.put(n)
    killing = threading.Lock()

    def call(n):
        arguments = json.dumps({"credential_id": "me", "to": f"r{n}@there.example", "subject": f"storm-{n}", "idempotency_key": f"key-{n}",
                                "text": f"message {n}\n" * chance.randrange(1, 60)}) if n not in texts else texts[n]
        texts[n] = arguments
        r = subprocess.run([STUB, "call", "email_send", arguments, "--json", "--home", host.home], capture_output=True, stdin=subprocess.DEVNULL,
                           timeout=120 * PATIENCE)
        host.written += [r.stdout.decode(errors="replace"), r.stderr.decode(errors="replace")]
        try:
            return json.loads(r.stdout)["structuredContent"].get("state")
        except (ValueError, KeyError, TypeError):
            return None  # the host died under it, or it failed for now: the caller asks again with the same key

    texts = {}

    def caller():
        while True:
            try:
                n = work.get_nowait()
            except queue.Empty:
                return
            for _ in range(400):
                try:
                    state = call(n)
                except subprocess.TimeoutExpired:
                    failures.append(f"{n}: a call hung")
                    break
                if state in ("sent", "uncertain", "refused", "queued"):  # queued: durable, the outbox goes on by itself
                    final[n] = state
                    break
                time.sleep(0.05)
            else:
                failures.append(f"{n}: no end after 400 calls, last {state}")

    over = threading.Event()

    def turn_clock():
        while not over.is_set():
            with killing:
                if host.popen("clock", "advance", "2m").wait() == 0:
                    now[0] += 121
            time.sleep(0.2)

    start = time.monotonic()
    threads = [threading.Thread(target=caller, daemon=True) for _ in range(a.callers)]
    clock = threading.Thread(target=turn_clock, daemon=True)
    for t in [*threads, clock]:
        t.start()
    kills = 0

    def waiting():
        known = {f"r{n}@there.example" for n in final}
        return [r for r in host.json("outbox", "list")["outbox"] if r["state"] in ("queued", "prepared", "committing", "failed") and r["to"][0] in known]

    # The weather lasts until nine in ten are through, for a call may be answered `queued`: it is the outbox that must get through it.
    until = start + 500  # where it hangs
    while time.monotonic() < until:
        time.sleep(0.05)
        through = len(final) - len(waiting())
        if through > 0.9 * a.messages and kills >= a.kills:
            break
        if kills < a.kills and through > (kills + 0.3 + 0.6 * chance.random()) * 0.9 * a.messages / (a.kills + 1):
            time.sleep(chance.random() * 0.05)
            with killing:
                host.kill()
                start_host()
            kills += 1
    calm.set()
    for t in threads:
        t.join()
    over.set()
    clock.join()

    # What waits goes now that the weather is fine.
    for _ in range(400):
        if not waiting():
            break
        host.ok("clock", "advance", "10m")
        time.sleep(0.2)
    settled = {r["to"][0]: r["state"] for r in host.json("outbox", "list")["outbox"]}
    final = {n: settled.get(f"r{n}@there.example", "missing") for n in final}

    waiting_at_end = waiting()
    delivered = collections.Counter(int(m.recipients[0][1:].split("@")[0]) for m in sink.messages)
    twice = sorted(n for n, c in delivered.items() if c > 1)
    lost = sorted(n for n in range(a.messages) if final.get(n) not in ("uncertain", "refused") and not delivered[n]) + sorted(set(range(a.messages)) - set(final))
    shown = {r["to"][0]: r["state"] for r in host.json("outbox", "list")["outbox"]}
    uncertain = sorted(n for n, s in final.items() if s == "uncertain")
    unreported = [n for n in uncertain if shown.get(f"r{n}@there.example") != "uncertain"]
    host.close()
    sink.close()
    print(f"cuts: {dict(cuts)}; kills: {kills}; {time.monotonic() - start:.0f} s")
    print(f"put in {a.messages}, sent {sum(s == 'sent' for s in final.values())}, uncertain {len(uncertain)} (of them delivered "
          f"{sum(delivered[n] for n in uncertain)}), waiting {len(waiting_at_end)}, lost {len(lost)}, doubled {len(twice)}, uncertain and not on record {len(unreported)}")
    bad = bool(lost or twice or unreported or failures or kills < a.kills or sum(cuts.values()) < a.messages // 20)
    if bad:
        print("lost", lost, "twice", twice, "unreported", unreported, *failures, sep="\n  ")
    print(leaks.summary())
    print("0 passed, 1 failed" if bad else "1 passed, 0 failed")
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
