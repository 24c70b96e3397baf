#!/usr/bin/env python3
"""Sending many small messages, each composed from text and HTML, over five connections.

  send.py [--count N] [--rounds R]    default 5000 and 5; a table goes to docs/benchmarks.md; exit status 1 if a figure
                                      misses 80 % of what is to be reached

Two servers, each asked by everybody in turn, several times; the medians count:

  smtp-sink                 takes and forgets. Floor: Postfix's smtp-source, which composes nothing (messages of the same size)
  Postfix, TLS and AUTH     queues and discards. What Postfix itself uses is told, for it is what limits here

The peer is nodemailer's pool (tests/js/send_nodemailer.js), five connections as everybody. It is judged with TCP_NODELAY, which it does not set
itself: without, it waits for a timer of the kernel's and a comparison would flatter. As shipped it is shown too, for fewer messages, and
decides nothing.
"""
import argparse
import json
import os
import socket
import subprocess
import sys
import time

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "../e2e"), os.path.join(HERE, "../js")]
import modules
import report
from harness import Rig, wait_for
from report import median

CONNECTIONS = 5
OURS = os.path.join(report.BUILD, "bench", "send_bench")
PEER = os.path.join(HERE, "..", "js", "send_nodemailer.js")
NEEDED_OF_FLOOR, NEEDED_OF_PEER, NEEDED_CPU, NEEDED_POSTFIX = 0.70, 5.0, 8.0, 1.5
HEADERS = 370  # what smtp-source writes beside its payload is less than our header; this evens the sizes


def measured(argv, env=None):
    """(standard output, wall seconds, CPU seconds) of a program that must succeed."""
    begin = time.monotonic()
    p = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, env={**os.environ, **(env or {})})
    out = p.stdout.read()
    _, status, used = os.wait4(p.pid, 0)
    p.returncode = os.waitstatus_to_exitcode(status)
    if p.returncode:
        raise RuntimeError(f"{argv[0]} ended with {p.returncode}")
    return out, time.monotonic() - begin, used.ru_utime + used.ru_stime


def program(argv, count, **more):
    figures = json.loads(measured(argv, **more)[0])
    if figures["delivered"] != count:
        raise RuntimeError(f"{argv[0]}: {figures['delivered']} of {count} delivered")
    return {"rate": count / figures["seconds"], "cpu": 1000 * figures["cpu_seconds"] / count, **figures}


def floor(port, count, size):
    argv = ["smtp-source", "-4", "-d", "-s", str(CONNECTIONS), "-m", str(count), "-l", str(max(100, size - HEADERS)), f"127.0.0.1:{port}"]
    _, wall, cpu = measured(argv)
    return {"rate": count / wall, "cpu": 1000 * cpu / count}


def ours(port, count, *login, env=None):
    return program([OURS, "127.0.0.1", str(port), str(count), str(CONNECTIONS), *login], count, env=env)


def theirs(packages, port, count, *login, env=None):
    return program(["node", PEER, "127.0.0.1", str(port), str(count), str(CONNECTIONS), *login], count, env={"NODE_PATH": packages, **(env or {})})


class Sink:
    def __init__(self):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]
        self.process = subprocess.Popen(["smtp-sink", "-u", "nobody", f"127.0.0.1:{self.port}", "1000"], stderr=subprocess.DEVNULL)
        wait_for("smtp-sink", self.answers, 10)

    def answers(self):
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=2) as s:
                return s.recv(100).startswith(b"220")
        except OSError:
            return False

    def stop(self):
        self.process.terminate()
        self.process.wait()


def rounds(n, who):
    """{name: [figures]}: everybody once for warmth, then n times in turn."""
    out = {name: [] for name in who}
    for i in range(n + 1):
        for name, run in who.items():
            figures = run()
            if i:
                out[name].append(figures)
    return {name: {key: median(f[key] for f in all) for key in all[0] if key != "delivered"} for name, all in out.items()}


def to_sink(a, packages):
    sink = Sink()
    try:
        size = int(ours(sink.port, 100)["bytes"])
        return size, rounds(a.rounds, {"floor": lambda: floor(sink.port, a.count, size), "peer": lambda: theirs(packages, sink.port, a.count),
                                       "shipped": lambda: theirs(packages, sink.port, max(100, a.count // 20), env={"MAILROOM_BENCH_AS_SHIPPED": "1"}),
                                       "ours": lambda: ours(sink.port, a.count)})
    finally:
        sink.stop()


def to_postfix(a, packages):
    rig = Rig("--discard")
    try:
        login = (rig.info["ca_file"], "quotes@rig.test")
        env = {"MAILROOM_BENCH_PASSWORD": rig.password}
        count = max(100, a.count // 2)
        def watched(run):
            before, begin = report.cpu_of_group(rig.info["pids"]["postfix"]), time.monotonic()
            figures = run()
            server = report.cpu_of_group(rig.info["pids"]["postfix"]) - before
            return {**figures, "server_cpu": 1000 * server / count, "server_busy": server / figures["seconds"]}
        return rounds(a.rounds, {"peer": lambda: watched(lambda: theirs(packages, rig.info["smtp_tls_port"], count, *login, env=env)),
                                 "ours": lambda: watched(lambda: ours(rig.info["smtp_tls_port"], count, *login, env=env))})
    finally:
        rig.stop()


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--count", type=int, default=5000)
    p.add_argument("--rounds", type=int, default=5)
    p.add_argument("--only", choices=["sink", "postfix"])
    a = p.parse_args()
    packages = modules.node_modules()
    good, text = True, "## Sending\n\n"
    version = json.load(open(os.path.join(packages, "nodemailer/package.json")))["version"]

    def verdict(what, value, needed):
        nonlocal good, text
        good = good and value >= 0.8 * needed
        line = f"{what}: {value:.2f} ({'reached' if value >= needed else 'missed'}: at least {needed:g})"
        print("send: " + line)
        text += f"- {line}\n"

    if a.only != "postfix":
        size, r = to_sink(a, packages)
        rows = [[name, f"{r[key]['rate']:,.0f}", f"{r[key]['cpu']:.3f}"] for key, name in
                (("floor", "`smtp-source -d`, composes nothing (the floor)"), ("shipped", f"nodemailer {version}, pool, as shipped (waits for delayed acknowledgements; not judged by)"),
                 ("peer", f"nodemailer {version}, pool, with TCP_NODELAY"), ("ours", "Mailroom, composer and pool"))]
        text += f"{a.count:,} messages of {size:,} bytes (text and HTML, composed each) to `smtp-sink`, {CONNECTIONS} connections, " \
                f"medians of {a.rounds}:\n\n" + report.table(["", "messages/s", "CPU ms each"], rows) + "\n\n"
        print(report.table(["", "messages/s", "CPU ms each"], rows))
        verdict("of the floor's rate", r["ours"]["rate"] / r["floor"]["rate"], NEEDED_OF_FLOOR)
        verdict("times nodemailer's rate", r["ours"]["rate"] / r["peer"]["rate"], NEEDED_OF_PEER)
        verdict("times less CPU than nodemailer", r["peer"]["cpu"] / r["ours"]["cpu"], NEEDED_CPU)
        text += "\n"
    if a.only != "sink":
        r = to_postfix(a, packages)
        rows = [[name, f"{r[key]['rate']:,.0f}", f"{r[key]['cpu']:.3f}", f"{r[key]['server_cpu']:.3f}", f"{100 * r[key]['server_busy']:.0f} %"]
                for key, name in (("peer", f"nodemailer {version}, pool, with TCP_NODELAY"), ("ours", "Mailroom, composer and pool"))]
        head = ["", "messages/s", "CPU ms each", "Postfix's CPU ms each", "cores that Postfix kept busy"]
        text += f"{max(100, a.count // 2):,} of them through Postfix with TLS and AUTH, {CONNECTIONS} connections, accepted mail discarded, medians of {a.rounds}:\n\n" + \
                report.table(head, rows) + "\n\n"
        print(report.table(head, rows))
        verdict("times nodemailer's rate through Postfix", r["ours"]["rate"] / r["peer"]["rate"], NEEDED_POSTFIX)
    if not a.only:
        report.write_section("send", text)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
