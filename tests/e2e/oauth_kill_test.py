#!/usr/bin/env python3
"""kill -9 around a refresh, while the server rotates refresh tokens and takes a used one for a stolen one: nobody has to sign in again.

  oauth_kill_test.py [--kills 2] [--seed N]      --kills 100 is the long one

Where the host dies before it has the answer on its disk, only the server can help: as servers that rotate do, this one then takes the
used token once more for a while ("grace").
"""
import argparse
import json
import os
import random
import sys
import threading
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import harness
from harness import wait_for
from oauth_account import expire, signed_in
from oauth_side import Server

LOOK = {"credential_id": "me"}
KILLS, SEED = 2, 0


class Kill(harness.RigTest):
    options = ("--oauth",)

    def account(self, life):
        self.user = f"{self._testMethodName[5:25]}@rig.test"
        self.server = Server(self.rig)
        self.server.control(life=life, grace=0)
        self.addCleanup(self.server.control, life=3600, grace=0, pause_ms=0)
        signed_in(self.host, self.rig, self.user)

    def works(self):
        """The account does, and nobody is asked to sign in again."""
        r = self.host.run("call", "email_mailboxes", json.dumps(LOOK))
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertNotIn("sign in again", self.host.ok("credential", "list").lower())

    def dies(self, fault):
        r = self.host.run("call", "email_mailboxes", json.dumps(LOOK), env={"AOH_FAULTS": fault})
        self.assertEqual(r.returncode, -9, r.stderr)

    def test_between_the_answer_and_its_use(self):
        """On the disk, but not used yet: the server need not be lenient."""
        self.account(life=2)
        expire(self.server)
        refreshes = self.server.count("refresh_token")
        self.dies("store.committed~vault.oauth_tokens@1=kill")
        self.assertEqual(self.server.count("refresh_token", 200) - refreshes, 1)
        self.works()
        self.assertEqual(self.server.count("refresh_token") - refreshes, 1)  # what was saved is used

    def test_before_the_answer_is_on_the_disk(self):
        """The lease of the dead one ends after 15 s."""
        self.account(life=2)
        self.server.control(grace=600)
        expire(self.server)
        self.dies(f"store.{random.Random(SEED).choice(('begin', 'commit'))}~vault.oauth_tokens@1=kill")
        self.works()

    def test_at_any_moment(self):
        """A host whose callers need a new token all the while is killed at random moments."""
        dice = random.Random(SEED)
        self.account(life=1)
        self.server.control(grace=600, pause_ms=100)
        over = threading.Event()

        def caller():
            while not over.is_set():
                try:
                    self.host.quick_call("email_mailboxes", LOOK)
                except OSError:  # it is dead for the moment
                    time.sleep(0.02)

        threads = [threading.Thread(target=caller) for _ in range(2)]
        for t in threads:
            t.start()
        try:
            for _ in range(KILLS):
                self.host.start()
                before = self.server.count("refresh_token", 200)
                wait_for("a refresh", lambda: self.server.count("refresh_token", 200) > before, 40)
                time.sleep(dice.random() * 1.2)
                self.host.kill()
        finally:
            over.set()
            for t in threads:
                t.join()
        self.server.control(life=3600)
        self.works()
        refreshes = self.server.count("refresh_token", 200)
        self.assertEqual(self.server.count("refresh_token"), refreshes)  # none was refused
        print(f"seed {SEED}: {KILLS} kills, {refreshes} refreshes, 0 sign-ins lost")


if __name__ == "__main__":
    p = argparse.ArgumentParser()
    p.add_argument("--kills", type=int, default=KILLS)
    p.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 30))
    options = p.parse_args()
    KILLS, SEED = options.kills, options.seed
    print(f"seed {SEED}")
    harness.main()
