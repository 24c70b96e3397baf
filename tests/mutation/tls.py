#!/usr/bin/env python3
"""Does the table of scripted servers (tests/corpus/tls) see what it is there for? Each fault of tls_faults.py is planted, alone, in a copy of the tree, the program
is built with it, and the table must fail. Prints fault by fault how many scripts did. Not part of the tests: it takes about a minute a fault.

    tests/mutation/tls.py [--only WORDS] [--folder DIR] [--run 'slot']     exit status 0: all were seen; DIR (build/mutation) is kept, and quick the next time
"""
import argparse
import os
import re
import shlex
import shutil
import subprocess
import sys
import time

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, HERE)
from tls_faults import FAULTS

TABLE_SECONDS = 300  # a table that has not ended by then has seen something, too


def copy_tree(folder):
    """Every file of the tree, also what is not committed, where it is not the same already."""
    names = subprocess.run(["git", "-C", SOURCE, "ls-files", "-z", "--cached", "--others", "--exclude-standard"], capture_output=True, check=True).stdout
    for name in filter(None, names.decode().split("\0")):
        source, target = os.path.join(SOURCE, name), os.path.join(folder, name)
        if not os.path.isfile(source):
            continue
        with open(source, "rb") as f:
            data = f.read()
        if os.path.isfile(target):
            with open(target, "rb") as f:
                if f.read() == data:
                    continue
        os.makedirs(os.path.dirname(target), exist_ok=True)
        shutil.copy(source, target)


class Tree:
    def __init__(self, folder, run):
        self.folder, self.build, self.ahead = folder, os.path.join(folder, "build", "release"), shlex.split(run)

    def make(self):
        """"" or the compiler's last words."""
        r = subprocess.run([*self.ahead, "cmake", "--build", self.build, "-j1", "--target", "host-stub", "email_module"], capture_output=True, text=True)
        return "" if r.returncode == 0 else (r.stdout + r.stderr)[-3000:]

    def play(self):
        """(how many scripts failed, what else was wrong); None where it came to no end."""
        env = {**os.environ, "MAILROOM_SOURCE_DIR": self.folder, "MAILROOM_BUILD_DIR": self.build}
        r = subprocess.run([*self.ahead, "timeout", "-s", "KILL", str(TABLE_SECONDS), sys.executable, os.path.join(self.folder, "tests/e2e/tls_table_test.py")],
                           capture_output=True, text=True, env=env)
        text = r.stdout + r.stderr
        if r.returncode in (124, 137, -9):
            return None, ["the table came to no end"]
        found = re.search(r"^(\d+) scripts, (\d+) as they should be", text, re.M)
        other = re.findall(r"^(?:\d+ connections to a referral|\d+ warnings .*|the password stands .*|what was said before TLS stands in [^:]*|.*AssertionError: .{0,200})", text, re.M)
        return int(found[1]) - int(found[2]) if found else None, sorted(set(other))

    def plant(self, edits):
        """What stood there before, by path."""
        before = {}
        for name, old, new in edits:
            path = os.path.join(self.folder, name)
            with open(path) as f:
                text = f.read()
            before.setdefault(path, text)
            if text.count(old) < 1:
                raise AssertionError(f"{name} has no more: {old}")
            with open(path, "w") as f:
                f.write(text.replace(old, new, 1))
        return before


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--only", help="faults whose name has a match of this regular expression")
    p.add_argument("--folder", default=os.path.join(SOURCE, "build", "mutation"))
    p.add_argument("--run", default="", help="a command to put ahead of every build and every table")
    options = p.parse_args()
    folder = os.path.abspath(options.folder)
    copy_tree(folder)
    tree = Tree(folder, options.run)
    subprocess.run(["cmake", "--preset", "release"], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    if wrong := tree.make():
        sys.exit(wrong)
    failed, other = tree.play()
    print(f"{'no fault':<72} {failed if failed is not None else '-':>4}  {'; '.join(other)}", flush=True)
    if failed != 0 or other:
        sys.exit("the table fails without a fault")
    unseen, planted = [], 0
    for name, edits in FAULTS:
        if options.only and not re.search(options.only, name):
            continue
        planted += 1
        before = tree.plant(edits)
        start = time.monotonic()
        try:
            wrong = tree.make()
            failed, other = (None, []) if wrong else tree.play()
        finally:
            for path, text in before.items():
                with open(path, "w") as f:
                    f.write(text)
        if wrong:
            sys.exit(f"{name}: does not compile\n{wrong}")
        if not failed and not other:
            unseen.append(name)
        print(f"{name:<72} {failed if failed is not None else '-':>4}  {'; '.join(other)[:120]}  ({time.monotonic() - start:.0f} s)", flush=True)
    print(f"{planted} faults, {planted - len(unseen)} seen by the table" + "".join(f"\nnot seen: {name}" for name in unseen))
    sys.exit(1 if unseen or not planted else 0)


if __name__ == "__main__":
    main()
