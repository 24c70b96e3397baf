#!/usr/bin/env python3
"""Chromium looks at every case of tests/unit/mime/hidden_cases.json: what the parser keeps out is not seen, what it keeps is."""
import os
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../js"))
import modules  # noqa: E402

chromium = shutil.which("chromium")
if not chromium:
    sys.exit("chromium is not installed: apt-get install chromium (packages.debian)")
# Debian's /usr/bin/chromium is a shell script around this.
binary = "/usr/lib/chromium/chromium"
result = subprocess.run(
    ["node", os.path.join(HERE, "../js/hidden_judge.js"), os.path.join(HERE, "../unit/mime/hidden_cases.json"),
     binary if os.path.exists(binary) else chromium],
    env={**os.environ, "NODE_PATH": modules.node_modules()}, timeout=240)
sys.exit(result.returncode)
