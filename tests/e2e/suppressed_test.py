"""The send path and the suppressed addresses: nothing goes to one, the sender is told why and how to release it, and after that it goes."""
import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import harness
from harness import RigTest


class Suppressed(RigTest):
    def setUp(self):
        super().setUp()
        self.host.add_credential(self.rig.record("me", "me@rig.test"), self.rig.password)

    def suppress(self, address, action="add"):
        return self.host.call("email_suppressions", {"credential_id": "me", "action": action, "address": address})

    def send(self, *to):
        args = {"credential_id": "me", "to": list(to), "subject": "An offer", "text": "Hello"}
        return json.loads(self.host.run("call", "email_send", json.dumps(args), "--json").stdout)

    def test_a_suppressed_recipient_is_refused_until_released(self):
        self.suppress("gone@rig.test")
        result = self.send("Gone <GONE@rig.test>")
        self.assertTrue(result["isError"], result)
        text = result["content"][0]["text"]
        for words in ("is suppressed since 20", "because somebody suppressed it", "email_suppressions", "release"):
            self.assertIn(words, text)
        self.assertEqual(self.rig.maildir("gone@rig.test"), [])
        self.suppress("gone@rig.test", "release")
        self.assertNotIn("isError", self.send("gone@rig.test"))
        self.rig.maildir("gone@rig.test", wait=1)


if __name__ == "__main__":
    harness.main()
