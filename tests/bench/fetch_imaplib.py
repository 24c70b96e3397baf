"""Fetches a whole mailbox with Python's imaplib, in portions of 100. Prints what it took as JSON, as fetch_bench does.

  fetch_imaplib.py HOST PORT CA_FILE USER MAILBOX    the password in MAILROOM_BENCH_PASSWORD
"""
import imaplib
import json
import os
import ssl
import sys
import time

host, port, ca, user, mailbox = sys.argv[1:]
session = imaplib.IMAP4_SSL(host, int(port), ssl_context=ssl.create_default_context(cafile=ca))
session.login(user, os.environ["MAILROOM_BENCH_PASSWORD"])
total = int(session.select(mailbox, readonly=True)[1][0])
before, begin, messages, size = time.process_time(), time.monotonic(), 0, 0
for first in range(1, total + 1, 100):
    for row in session.fetch(f"{first}:{min(total, first + 99)}", "(UID BODY.PEEK[])")[1]:
        if isinstance(row, tuple):
            messages += 1
            size += len(row[1])
print(json.dumps({"messages": messages, "bytes": size, "seconds": time.monotonic() - begin, "cpu_seconds": time.process_time() - before,
                  "rss_kb": int(next(l.split()[1] for l in open("/proc/self/status") if l.startswith("VmHWM")))}))
session.logout()
