#!/usr/bin/env python3
"""Runs the fuzz targets and says what came of it (docs/fuzzing.md). `./run fuzz SECONDS` builds and calls this.

  fuzz.py --seconds N [--targets A,B | demanded] [--jobs 2] [--build DIR] [--total FILE]

Each target runs N seconds: most of them on small inputs, the rest on large ones. It starts from the seeds in corpus/TARGET and
from what earlier runs found (BUILD/fuzz/corpus/TARGET). Exit status 1 when there is a finding; its input is named.
"""
import argparse
import concurrent.futures
import json
import os
import re
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
# name: (bytes of a small input, bytes of a large one). What is read from one header field or line is small by nature.
TARGETS = {
    "imap_framer": (4096, 1 << 18), "imap_response": (4096, 1 << 17), "mime_message": (8192, 1 << 18), "mime_headers": (2048, 1 << 16),
    "html_text": (8192, 1 << 18), "charsets": (2048, 1 << 17),
    "stored_draft": (4096, 1 << 16), "smtp_replies": (4096, 1 << 16), "domain_records": (1024, 1 << 14), "delivery_report": (4096, 1 << 16),
    "dns_message": (512, 1 << 14), "template_text": (1024, 1 << 14), "s3_answers": (4096, 1 << 16),
}
DEMANDED = list(TARGETS)[:6]  # those that CI runs
LARGE_SHARE = 0.15
TIMEOUT_S, MEMORY_MB = 15, 512  # wall time: on a busy machine a large input under ASan may take some seconds
ENVIRONMENT = {
    # A small quarantine, so that the memory limit is about the code and not about ASan.
    "ASAN_OPTIONS": "quarantine_size_mb=16:detect_stack_use_after_return=0:strict_string_checks=1:handle_abort=1",
    "UBSAN_OPTIONS": "print_stacktrace=1",
}


class Result:
    def __init__(self, target):
        self.target, self.executions, self.cpu_s, self.wall_s, self.edges, self.findings = target, 0, 0.0, 0.0, 0, []


def run_once(build, target, seconds, max_len, large, log):
    """One libFuzzer process: (executions, edges, user CPU seconds, new artifacts, exit status)."""
    corpus, found = (os.path.join(build, "fuzz", d, target) for d in ("corpus", "findings"))
    for d in (corpus, found):
        os.makedirs(d, exist_ok=True)
    before = set(os.listdir(found))
    seeds = os.path.join(HERE, "corpus", target)
    command = [os.path.join(build, "fuzz", "fuzz_" + target), f"-max_total_time={seconds}", f"-timeout={TIMEOUT_S}",
               f"-rss_limit_mb={MEMORY_MB}", f"-max_len={max_len}", "-print_final_stats=1", f"-artifact_prefix={found}/", "-verbosity=1",
               "-reload=0", "-entropic=0"]
    if large:
        command.append("-len_control=0")
    dictionary = os.path.join(HERE, "dictionaries", target + ".dict")
    if os.path.exists(dictionary):
        command.append("-dict=" + dictionary)
    with open(log, "ab") as out:
        process = subprocess.Popen(command + [corpus, seeds], stdout=out, stderr=out, env={**os.environ, **ENVIRONMENT})
        _, status, usage = os.wait4(process.pid, 0)
    with open(log, "rb") as f:
        text = f.read().decode(errors="replace")
    executions = re.findall(r"stat::number_of_executed_units: +(\d+)", text) or re.findall(r"^#(\d+)\s", text, re.M)
    edges = [int(n) for n in re.findall(r"\bcov: (\d+)", text)]
    new = sorted(set(os.listdir(found)) - before)
    return (int(executions[-1]) if executions else 0, max(edges, default=0), usage.ru_utime, [os.path.join(found, n) for n in new],
            os.waitstatus_to_exitcode(status))


def cases_as_seeds(build):
    """The cases of the unit tests on hidden text, a file each."""
    with open(os.path.join(HERE, "../unit/mime/hidden_cases.json")) as f:
        cases = json.load(f)
    corpus = os.path.join(build, "fuzz", "corpus", "html_text")
    os.makedirs(corpus, exist_ok=True)
    for i, case in enumerate(cases["hidden"] + cases["visible"]):
        with open(os.path.join(corpus, f"case-{i}"), "w") as f:
            f.write(case["html"])


def fuzz(build, target, seconds):
    result = Result(target)
    if target == "html_text":
        cases_as_seeds(build)
    logs = os.path.join(build, "fuzz", "logs")
    os.makedirs(logs, exist_ok=True)
    start = time.monotonic()
    small, large = TARGETS[target]
    large_s = max(1, round(seconds * LARGE_SHARE))
    for is_large, n, max_len in ((False, max(1, seconds - large_s), small), (True, large_s, large)):
        log = os.path.join(logs, target + (".large.log" if is_large else ".log"))
        if os.path.exists(log):
            os.remove(log)
        executions, edges, cpu_s, artifacts, status = run_once(build, target, n, max_len, is_large, log)
        result.executions += executions
        result.edges = max(result.edges, edges)
        result.cpu_s += cpu_s
        if status != 0 or artifacts:
            result.findings.append((artifacts, log))
            break
    result.wall_s = time.monotonic() - start
    return result


def reason(log):
    """The line of a log that says what was found."""
    with open(log, errors="replace") as f:
        lines = f.read().splitlines()
    for mark in ("broken promise:", "runtime error:", "ERROR: AddressSanitizer", "ERROR: LeakSanitizer", "ERROR: libFuzzer", "ERROR:"):
        for line in lines:
            if mark in line:
                return line.strip()[:200]
    return lines[-1][:200] if lines else "it did not start"


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--seconds", type=int, required=True)
    p.add_argument("--targets", default="", help="names with commas, or 'demanded'; all by default")
    p.add_argument("--jobs", type=int, default=2)
    p.add_argument("--build", default=os.path.join(HERE, "../../build/fuzz"))
    p.add_argument("--total", help="a file of JSON lines that keeps the sum over many runs")
    a = p.parse_args()
    names = DEMANDED if a.targets == "demanded" else a.targets.split(",") if a.targets else list(TARGETS)
    for name in names:
        if name not in TARGETS:
            sys.exit(f"fuzz: no target {name}; there are {', '.join(TARGETS)}")
    if a.seconds < 1:
        sys.exit("fuzz: at least one second")
    build = os.path.abspath(a.build)
    print(f"{'target':<18}{'executions':>12}{'exec/s':>9}{'edges':>8}{'CPU s':>8}  findings", flush=True)
    printing = threading.Lock()
    results = []

    def one(name):
        r = fuzz(build, name, a.seconds)
        with printing:
            results.append(r)
            rate = r.executions / r.wall_s if r.wall_s else 0
            print(f"{name:<18}{r.executions:>12,}{rate:>9,.0f}{r.edges:>8,}{r.cpu_s:>8.0f}  {len(r.findings) or '-'}", flush=True)
            for artifacts, log in r.findings:
                print(f"  {reason(log)}\n  input: {', '.join(artifacts) or 'none was kept'}\n  log:   {log}", flush=True)
            if a.total:
                with open(a.total, "a") as f:
                    f.write(json.dumps({"target": name, "executions": r.executions, "cpu_s": round(r.cpu_s, 1), "edges": r.edges,
                                        "findings": len(r.findings), "at": int(time.time())}) + "\n")

    with concurrent.futures.ThreadPoolExecutor(a.jobs) as pool:
        list(pool.map(one, names))
    found = sum(len(r.findings) for r in results)
    print(f"{'all':<18}{sum(r.executions for r in results):>12,}{'':>9}{'':>8}{sum(r.cpu_s for r in results):>8.0f}  {found or '-'}")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
