"""email_deliverability against a real DNS server (dnsmasq, private, on loopback): NXDOMAIN, no data, SERVFAIL, silence, answers that
are cut over UDP, long TXT; and the report that comes of it."""
import json
import os
import socket
import sys
import threading
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import harness
from dns_server import Dns, free_udp_port
from harness import Host

KEY = "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
LONG = "v=spf1 " + " ".join(f"ip4:192.0.2.{n}" for n in range(10, 55)) + " ip4:198.51.100.7 -all"  # three strings
OTHER = "x" * 700  # with it the answer is over 1,232 bytes: only TCP carries it
RECORDS = [
    "mx-host=good.example,mx.good.example,10", "host-record=mx.good.example,192.0.2.1",
    "txt-record=good.example,v=spf1 mx -all", f"txt-record=s1._domainkey.good.example,{KEY}",
    "txt-record=_dmarc.good.example,v=DMARC1; p=reject; rua=mailto:r@good.example",
    "txt-record=_mta-sts.good.example,v=STSv1; id=20261126", "txt-record=_smtp._tls.good.example,v=TLSRPTv1; rua=mailto:t@good.example",
    "mx-host=long.example,mx.good.example,10", "mx-host=alias.example,mx.good.example,10",
    "txt-record=_dmarc.alias.example,v=DMARC1; p=none", "txt-record=alias.example,v=spf1 include:gone.example +all",
    "txt-record=alias.example,\x1b[31mred",
]


class Deliverability(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.dns = Dns(RECORDS, [("long.example", LONG), ("long.example", OTHER)])

    @classmethod
    def tearDownClass(cls):
        cls.dns.stop()

    def setUp(self):
        self.host = Host()
        self.addCleanup(self.host.close)
        self.host.add_credential({"id": "me", "type": "mail", "email": "me@good.example"}, "planted-password")
        self.configure([f"127.0.0.1:{self.dns.port}"])

    def configure(self, servers):
        folder = os.path.join(self.host.home, "config")
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, "email.json"), "w") as f:
            json.dump({"dns_servers": servers}, f)

    def report(self, **args):
        found = self.host.call("email_deliverability", {"credential_id": "me", **args})
        self.assertTrue(found["untrusted"])
        return {c["check"]: c for d in found["domains"] for c in d["checks"]}, found

    def test_a_good_domain(self):
        checks, found = self.report(selectors=["s1"])
        self.assertEqual({c: checks[c]["state"] for c in ("mx", "spf", "dkim", "dmarc", "alignment", "mta_sts", "tls_rpt")},
                         dict.fromkeys(("mx", "spf", "dkim", "dmarc", "alignment", "mta_sts", "tls_rpt"), "ok"), checks)
        self.assertEqual(found["domains"][0]["domain"], "good.example")  # of the account's own address
        self.assertIn("s1: Ed25519", checks["dkim"]["summary"])

    def test_the_address_is_looked_up(self):
        checks, _ = self.report(domain="good.example", selectors=["s1"], ip="192.0.2.1")
        self.assertEqual(checks["spf"]["state"], "ok")
        self.assertEqual(checks["reverse_dns"]["state"], "ok", checks["reverse_dns"])  # dnsmasq makes a PTR of each host-record
        checks, found = self.report(domain="good.example", selectors=["s1"], ip="192.0.2.99")
        self.assertEqual(checks["spf"]["state"], "failed")
        self.assertEqual(checks["spf"]["changes"][0]["value"], "v=spf1 ip4:192.0.2.99 mx -all")
        self.assertEqual(checks["reverse_dns"]["state"], "failed")
        self.assertFalse(found["ok"])

    def test_what_is_not_there(self):
        checks, _ = self.report(domain="gone.example", selectors=["s1"])
        self.assertEqual(checks["mx"]["summary"], "there is no such domain")
        checks, _ = self.report(domain="mx.good.example", selectors=["s1"])  # the name is there, an MX is not
        self.assertEqual(checks["mx"]["state"], "warning")
        self.assertIn("no MX", checks["mx"]["summary"])
        self.assertEqual([checks[c]["state"] for c in ("spf", "dkim")], ["failed", "failed"])
        self.assertEqual(checks["dmarc"]["state"], "ok", "the organisation's policy")

    def test_an_answer_that_does_not_fit_into_udp(self):
        self.assertGreater(len(LONG) + len(OTHER), 1232)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:  # it is really cut there
            s.settimeout(10)
            question = b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x01\x04long\x07example\x00\x00\x10\x00\x01"
            s.sendto(question + b"\x00\x00\x29\x04\xd0" + bytes(6), ("127.0.0.1", self.dns.port))  # EDNS, 1,232 bytes
            self.assertTrue(s.recv(4096)[2] & 2, "TC")
        checks, _ = self.report(domain="long.example", selectors=["s1"], ip="198.51.100.7")  # the last of all terms
        self.assertIn("198.51.100.7: pass", checks["spf"]["summary"])
        self.assertIn(f"{len(LONG)} bytes", checks["spf"]["summary"])

    def test_a_hostile_record_is_data(self):
        checks, _ = self.report(domain="alias.example")
        self.assertEqual(checks["spf"]["state"], "failed")
        self.assertEqual(checks["spf"]["changes"][0]["value"], "v=spf1 include:gone.example ~all")
        self.assertIn("gone.example has no SPF record", checks["spf"]["summary"])
        self.assertNotIn("\x1b", "".join(self.host.written))

    def test_servfail(self):
        r = self.host.run("call", "email_deliverability", json.dumps({"credential_id": "me", "domain": "x.servfail.test"}), "--json")
        error = json.loads(r.stdout)["structuredContent"]["error"]
        self.assertEqual((error["code"], error["temporary"]), ("temporary", True), r.stdout)

    def test_silence_is_not_waited_for_question_by_question(self):
        mute = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        mute.bind(("127.0.0.1", 0))
        asked = []
        def count():
            while True:
                try:
                    asked.append(mute.recv(4096))
                except OSError:
                    return
        thread = threading.Thread(target=count, daemon=True)
        thread.start()
        self.configure([f"127.0.0.1:{mute.getsockname()[1]}"])
        r = self.host.run("call", "email_deliverability", json.dumps({"credential_id": "me"}), "--json")
        error = json.loads(r.stdout)["structuredContent"]["error"]
        self.assertEqual(error["code"], "temporary")
        self.assertIn("dns_servers", error["where"] + error["cure"])
        mute.close()
        self.assertEqual(len(asked), 2, "one question, tried twice")

    def test_the_second_server_answers_where_the_first_is_gone(self):
        self.configure([f"127.0.0.1:{free_udp_port()}", f"127.0.0.1:{self.dns.port}"])
        checks, _ = self.report(selectors=["s1"])
        self.assertEqual(checks["spf"]["state"], "ok")

    def test_servers_that_are_none_are_refused(self):
        for bad in ("dns.example", "127.0.0.1:0", "127.0.0.1:99999", "[::1", "1.2.3", "127.0.0.1:53,8.8.8.8"):
            self.configure([bad])
            r = self.host.run("call", "email_deliverability", json.dumps({"credential_id": "me"}))
            self.assertNotEqual(r.returncode, 0, bad)
            self.assertIn("dns_servers", r.stdout + r.stderr, bad)

    def test_arguments_that_are_none_are_refused(self):
        for args in ({"domain": "localhost"}, {"domain": "a b.example"}, {"domain": "x\r\n.example"}, {"ip": "1.2.3"}, {"selectors": ["a b"]}):
            r = self.host.run("call", "email_deliverability", json.dumps({"credential_id": "me", **args}), "--json")
            self.assertTrue(json.loads(r.stdout)["isError"], args)


if __name__ == "__main__":
    harness.main()
