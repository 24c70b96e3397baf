#!/usr/bin/env python3
"""The knowledge base and the reading of files, by two modules of the tests' own (modules/shelf, modules/reader): what one puts is found on
the command line, also through a host that runs; what the other reads comes back by the host, within its limits."""
import json
import os
import subprocess
import sys
import unittest

import harness

MODULES = os.path.join(harness.BUILD, "tests", "e2e", "modules")


class KnowledgeTest(unittest.TestCase):
    def setUp(self):
        self.host = harness.Host()
        self.addCleanup(self.host.close)
        for module in ("shelf", "reader"):
            self.host.ok("plugins", "trust", f"{MODULES}/{module}.so")

    def tool(self, name, **arguments):
        r = self.host.run("call", name, json.dumps(arguments), "--modules", MODULES, "--json", timeout=120)
        return json.loads(r.stdout)

    def put(self, id, text, **info):
        result = self.tool("shelf_put", id=id, text=text, info=info)
        self.assertNotIn("isError", result)
        return result["structuredContent"]

    def search(self, *words):
        return self.host.json("kb", "search", *words)["results"]

    def test_search_list_show_remove(self):
        where = {"message_id": "<1@x.example>", "sender": "Sales@Supplier.example", "part": "2", "sha256": "ab", "uid": 7}
        self.put("offer", "\fpage 1\nDear all\n\fpage 2\nThe widget costs 17 euros.\n", title="Offer", filename="offer.pdf",
                 mime_type="application/pdf", provenance=where)
        self.put("list", "Every widget there is", title="Price list")
        self.assertTrue(self.put("list", "Every single widget", title="Price list")["replaced"])
        found = self.search("widget", "costs")
        self.assertEqual([(f["id"], f["place"], f["snippet"]) for f in found], [("offer", "page 2", "The widget costs 17 euros.")])
        self.assertEqual(found[0]["provenance"], where)
        self.assertTrue(found[0]["untrusted"])
        self.assertEqual(found[0]["module"], "shelf")
        self.assertEqual(len(self.search("widget")), 2)
        self.assertEqual(len(self.host.json("kb", "search", "widget", "--limit", "1")["results"]), 1)
        text = self.host.ok("kb", "search", "widget costs")
        self.assertIn("Offer  (page 2)", text)
        self.assertIn("[widget]", text)
        self.assertIn("<1@x.example>", text)
        number = str(found[0]["number"])
        shown = self.host.ok("kb", "show", number)
        self.assertIn("[page 2]\nThe widget costs", shown)
        self.assertIn("sender: Sales@Supplier.example", shown)
        self.assertEqual([p.get("place") for p in self.host.json("kb", "show", number)["text"]], ["page 1", "page 2"])
        self.assertIn("1 more passages", self.host.ok("kb", "show", number, "--limit", "1"))
        self.assertEqual(len(self.host.json("kb", "list")["documents"]), 2)
        self.assertEqual(self.tool("shelf_forget", key="sender", value="sales@supplier.EXAMPLE")["structuredContent"]["removed"], 1)
        self.put("again", "one more widget", provenance={"message_id": "<2@x.example>"})
        self.assertEqual(self.host.json("kb", "remove", "--message-id", "2@x.example"), {"removed": 1})
        self.assertEqual(self.host.run("kb", "remove").returncode, 1)
        self.assertEqual(self.host.run("kb", "remove", "1", "--sender", "a@b.example").returncode, 1)
        other = str(self.search("single")[0]["number"])
        self.host.ok("kb", "remove", other)
        self.assertEqual(self.host.json("kb", "list")["documents"], [])
        gone = self.host.run("kb", "show", other)
        self.assertEqual(gone.returncode, 1)
        self.assertIn("kb list", gone.stderr)
        self.assertIn("nothing found", self.host.ok("kb", "search", "widget"))

    def test_hostile_words_and_hostile_text(self):
        self.put("evil", "\x1b]0;title\x07 red\x1b[31m \u202eevil\u202c \x9b31m end\r\n\x00", title="T\x1b[2J\u202e\nx", provenance={"sender": "a\x1b[0m@b"})
        for words in ('"', "NEAR(", "a OR", "NOT", "title:", "*", "-x", "'; DROP TABLE texts; --", "{a b}: c", "\\", "((", "^"):
            r = self.host.run("kb", "search", "--", words)
            self.assertEqual((r.returncode, r.stderr), (0, ""), words)
        for verb in (["search", "evil"], ["list"], ["show", "1"]):
            said = self.host.ok("kb", *verb)
            self.assertIn("31m" if verb[0] != "list" else "T", said)
            bad = [c for c in said if (ord(c) < 32 and c not in "\n\t") or 0x7F <= ord(c) < 0xA0 or "\u202a" <= c <= "\u202e"]
            self.assertEqual(bad, [], verb)
        long = self.host.run("kb", "search", "x" * 300)
        self.assertEqual(long.returncode, 1)
        self.assertIn("words", long.stderr)

    def test_through_a_host_that_runs(self):
        self.host.start("--modules", MODULES)
        self.host.ok("call", "shelf_put", json.dumps({"id": "a", "text": "daemon words", "info": {"title": "A"}}))
        self.assertEqual(self.search("daemon")[0]["id"], "a")
        r = self.host.json("call", "shelf_read", json.dumps({"bytes": "file words", "put_as": "b"}))["structuredContent"]
        self.assertEqual(r["extractor"], "reader")
        self.assertEqual([f["place"] for f in self.search("file")], ["page 1"])
        self.host.kill()
        self.assertEqual(self.search("daemon")[0]["id"], "a")

    def test_a_large_document_in_pieces(self):
        text = "all work and no play makes a dull document, numbered never. " * 200
        self.tool("shelf_put", id="big", info={"title": "Big"}, text=text, repeat=1700)  # 20 MB
        document = self.host.json("kb", "list")["documents"][0]
        self.assertEqual(document["bytes"], 1700 * len(text))
        self.assertEqual(len(self.host.json("kb", "search", "dull", "--limit", "3")["results"]), 3)
        self.assertTrue(self.put("big", "small", title="Big")["replaced"])
        self.assertEqual(self.search("dull"), [])

    def test_a_full_disk_says_so_and_loses_nothing(self):
        """On a file system of 24 MiB."""
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "kb", self.host.dir], check=True)
        self.addCleanup(subprocess.run, ["umount", "-l", self.host.dir])
        for module in ("shelf", "reader"):
            self.host.ok("plugins", "trust", f"{MODULES}/{module}.so")
        self.put("kept", "precious words", title="Kept")
        full = self.tool("shelf_put", id="big", info={"title": "Big"}, text="many different words " * 5000, repeat=2000)
        self.assertTrue(full["isError"])
        self.assertEqual(full["structuredContent"]["status"], -7)
        self.assertIn("disk is full", full["content"][0]["text"])
        self.assertEqual([f["id"] for f in self.search("words")], ["kept"])
        self.put("after", "later words", title="After")
        self.assertEqual(len(self.search("words")), 2)

    def read(self, bytes, request=None):
        return self.tool("shelf_read", bytes=bytes, request=request or {})

    def test_files_are_read_by_the_other_module(self):
        got = self.read("hello", {"filename": "a.mup"})["structuredContent"]
        self.assertEqual(got["text"], "\fpage 1\nhello\n\fpage 2\nlast words\n")
        self.assertEqual((got["extractor"], got["pages"], got["truncated"], got["size"]), ("reader", 2, False, len(got["text"])))
        self.assertEqual(got["warnings"], [{"code": "odd", "detail": "a detail"}])
        self.assertNotIn("asked", got)
        self.assertIn("application/x-made-up", got["types"]["mime_types"])  # and what the documents module reads
        self.assertIn("mup", got["types"]["extensions"])
        by_name = self.read("x", {"mime_type": "application/octet-stream", "filename": "A.MUP"})["structuredContent"]
        self.assertEqual(by_name["extractor"], "reader")

    def test_what_cannot_be_read_says_why(self):
        def refused(*args):
            result = self.read(*args)
            self.assertTrue(result["isError"])
            return result["structuredContent"]["status"], result["content"][0]["text"]
        self.assertEqual(refused("broken")[0], -1)
        self.assertIn("the file ends in the middle", refused("broken")[1])
        self.assertNotIn("\x1b", refused("broken")[1])
        status, words = refused("x", {"mime_type": "image/x-nobody"})
        self.assertEqual(status, -2)
        self.assertIn("image/x-nobody", words)
        self.assertEqual(refused("slow", {"timeout_ms": 200})[0], -6)

    def test_limits_and_rights(self):
        cut = self.read("endless", {"max_text_bytes": 5000})["structuredContent"]
        self.assertEqual((cut["size"], cut["truncated"]), (5000, True))
        self.assertEqual(self.read("nosy ")["structuredContent"]["text"], "status -3")

    def test_both_modules_keep_the_rules(self):
        for module in ("shelf", "reader"):
            self.host.ok("plugins", "check", f"{MODULES}/{module}.so", timeout=120)


harness.main()
