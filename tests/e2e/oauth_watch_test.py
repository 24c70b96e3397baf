#!/usr/bin/env python3
"""A watch whose access tokens live for 5 s, while a message comes every 2 s and the server ends the session of every token that is over, as
Exchange and Gmail do: 0 missed, 0 doubled, nobody signs in again.

  oauth_watch_test.py [--minutes 0.6]      --minutes 10 is the long one
"""
import argparse
import os
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import leaks
from harness import Host, Rig, wait_for
from oauth_account import handed_over, signed_in, watching

USER, LIFE, EVERY = "watch@rig.test", 5, 2


def play(rig, host, minutes):
    server = signed_in(host, rig, USER)
    watching(host)
    put_in, kicks = [], 0
    start = time.monotonic()
    next_mail, next_kick = start, start + LIFE
    while time.monotonic() < start + minutes * 60:
        now = time.monotonic()
        if now >= next_mail:
            put_in += rig.deliver(USER, subject=f"Number {len(put_in)}")["message_ids"]
            next_mail += EVERY
        if now >= next_kick:
            rig.run("kick", "--user", USER)
            kicks += 1
            next_kick += LIFE
        time.sleep(max(0, min(next_mail, next_kick) - time.monotonic()))
    put_in = [m.strip("<>") for m in put_in]
    try:
        wait_for("all are handed over", lambda: set(put_in) <= set(handed_over(host)), 60)
    except AssertionError:
        pass  # the verdict below says which
    seen = handed_over(host)
    missed = [m for m in put_in if m not in seen]
    doubled = [m for m, n in seen.items() if n > 1]
    refreshes, refused = server.count("refresh_token", 200), server.count() - server.count(status=200)
    print(f"{minutes * 60:.0f} s, tokens of {LIFE} s: {refreshes} refreshes ({refused} refused), {kicks} sessions ended by the server; "
          f"{len(put_in)} messages, {len(missed)} missed, {len(doubled)} doubled")
    print(f"token expiry during IDLE | tokens of {LIFE} s, {kicks} sessions ended | missed {len(missed)} doubled {len(doubled)} | recovered at once")
    watcher = host.call("email_watch", {"credential_id": "me"})["watchers"][0]
    if missed or doubled or refused or refreshes < minutes * 60 / LIFE / 2:
        raise AssertionError(f"missed {missed[:5]}, doubled {doubled[:5]}; the watcher: {watcher}; {host.log_text()[-3000:]}")
    if host.stop() != 0:
        raise AssertionError(f"host-stub run did not end well: {host.log_text()[-2000:]}")


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--minutes", type=float, default=0.6)
    options = p.parse_args()
    rig, host = Rig("--oauth", "--token-life", str(LIFE)), Host()
    try:
        play(rig, host, options.minutes)
        print("1 passed, 0 failed")
        return 0
    except (AssertionError, RuntimeError) as e:
        print(f"{e}\n0 passed, 1 failed", file=sys.stderr)
        return 1
    finally:
        try:
            host.close()
        finally:
            rig.stop()
        print(leaks.summary())


if __name__ == "__main__":
    sys.exit(main())
