"""What the benches share: medians, and the table of each in docs/benchmarks.md."""
import fcntl
import os
import platform
import statistics
import time

SOURCE = os.environ.get("MAILROOM_SOURCE_DIR") or os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("MAILROOM_BUILD_DIR") or os.path.join(SOURCE, "build", "release")
PATH = os.path.join(SOURCE, "docs", "benchmarks.md")
HEAD = """# Benchmarks

`./run bench` measures these side by side, peers, floor and Mailroom in turn, and writes each table anew. Absolute figures move with the
machine; the ratios hold.
"""

median = statistics.median


def machine():
    model = next((l.split(":", 1)[1].strip() for l in open("/proc/cpuinfo") if l.startswith("model name")), platform.machine())
    return f"{os.cpu_count()} × {model}, Linux {platform.release().split('-')[0]}"


def table(head, rows):
    """Markdown; the first column is text, the others are numbers."""
    lines = ["| " + " | ".join(head) + " |", "| --- |" + " ---: |" * (len(head) - 1)]
    return "\n".join(lines + ["| " + " | ".join(str(c) for c in row) + " |" for row in rows])


def cpu_of_group(leader):
    """Seconds of CPU that the processes of a group and their dead children have used."""
    ticks = 0
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/stat") as f:
                stat = f.read().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if int(stat[2]) == leader:
            ticks += sum(int(n) for n in stat[11:15])
    return ticks / os.sysconf("SC_CLK_TCK")


def write_section(name, text):
    """Replaces what stands between this section's marks in docs/benchmarks.md, or adds it at the end; nothing else is touched."""
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    with open(os.path.join(BUILD, "benchmarks.lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            with open(PATH) as f:
                old = f.read()
        except FileNotFoundError:
            old = HEAD
        new = f"{begin}\n{text.strip()}\n\nMeasured {time.strftime('%Y-%m-%d')} on {machine()}.\n{end}"
        if begin in old and end in old:
            before, rest = old.split(begin, 1)
            whole = before + new + rest.split(end, 1)[1]
        else:
            whole = old.rstrip("\n") + "\n\n" + new + "\n"
        with open(PATH + ".new", "w") as f:
            f.write(whole)
        os.replace(PATH + ".new", PATH)
