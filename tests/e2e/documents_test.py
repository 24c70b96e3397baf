#!/usr/bin/env python3
"""FAULTS 'Attachments', and each kind of document: made here, read by the module in the real host."""
import base64
import gzip
import json
import os
import resource
import stat
import subprocess
import sys
import tarfile
import unittest
import zipfile

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import documents_files as f
from harness import PATIENCE, STUB, Host, main, wait_for
from imap_script import ImapScript, message

ENTITY_BOMB = '<!DOCTYPE w [<!ENTITY a "AAAAAAAAAA">' + "".join(f'<!ENTITY {chr(98 + i)} "{("&" + chr(97 + i) + ";") * 10}">' for i in range(9)) + "]>"
EXTERNAL = '<!DOCTYPE w [<!ENTITY x SYSTEM "file:///etc/passwd"><!ENTITY % p SYSTEM "http://127.0.0.1:9/x.dtd"> %p;]>'


class Documents(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.host = Host()
        cls.host.start()

    @classmethod
    def tearDownClass(cls):
        # The host that was there for all of it is there still, and ends in good order.
        status = cls.host.stop()
        cls.host.close()
        assert status == 0, status

    def call(self, name, data, tool="documents_extract", **arguments):
        path = f.write(self.host.dir, "document", data)
        answer = self.host.quick_call(tool, {"path": path, "filename": name, **arguments}, timeout=150)
        self.assertIsNotNone(answer, name)
        return answer["structuredContent"]

    def read(self, name, data, **arguments):
        answer = self.call(name, data, **arguments)
        self.assertNotIn("error", answer, name)
        return answer

    def refused(self, name, data, reason, words=""):
        answer = self.call(name, data)
        self.assertEqual(answer.get("reason"), reason, f"{name}: {str(answer)[:500]}")
        self.assertIn(words, answer["error"]["what"])

    def codes(self, answer):
        return {w["code"] for w in answer["warnings"]}

    # Each kind

    def test_text(self):
        self.assertEqual(self.read("a.txt", "Grüße\n--- page 3 ---\nx\fy\r\n".encode())["text"], "Grüße\n --- page 3 ---\nxy\n")
        latin = self.read("a.txt", "Grüße".encode("latin-1"))
        self.assertEqual((latin["text"], self.codes(latin)), ("Grüße", {"charset_guessed"}))
        self.assertEqual(self.read("a.txt", "Grüße, 世界".encode("utf-16"))["text"], "Grüße, 世界")
        self.assertEqual(self.read("a.txt", "世界".encode("gb18030"), mime_type="text/plain; charset=gb2312")["text"], "世界")
        csv = self.read("a.csv", b"article,price\nbolt,1.50\n")
        self.assertEqual((csv["kind"], csv["text"]), ("csv", "article,price\nbolt,1.50\n"))
        self.assertEqual(self.codes(self.read("a.txt", b"")), {"no_text"})

    def test_html_and_mail(self):
        html = self.read("a.html", b'<html><body><p>Hi <b>there</b><p style="display:none">hidden</p></body></html>')
        self.assertEqual((html["kind"], html["text"].strip()), ("html", "Hi there"))
        self.assertTrue(any(code.startswith("hidden") for code in self.codes(html)), html["warnings"])
        mail = self.read("a.eml", f.eml("The body.", ("quote.pdf", "application/pdf", b"AAAA")))
        self.assertEqual((mail["kind"], mail["facts"]["message_id"], mail["facts"]["attachments"][0]["filename"]), ("eml", "q7@supplier.example", "quote.pdf"))
        self.assertIn("The body.", mail["text"])
        self.assertIn("--- attachments ---\npart 2: quote.pdf, application/pdf, 3 bytes", mail["text"])

    def test_files_attached_to_a_message(self):
        def mail(*files, text="See the files."):
            out = [f"From: ann@supplier.example\r\nSubject: files\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=\"b{len(files)}\"\r\n",
                   f"--b{len(files)}\r\n\r\n{text}".encode()]
            for name, kind, data in files:
                whole = kind == "message/rfc822"
                named = f'; filename="{name}"' if name else ""
                out.append(f"--b{len(files)}\r\nContent-Type: {kind}\r\nContent-Disposition: attachment{named}\r\n".encode()
                           + (b"\r\n" + data if whole else b"Content-Transfer-Encoding: base64\r\n\r\n" + base64.encodebytes(data)))
            return b"\r\n".join(o if isinstance(o, bytes) else o.encode() for o in out) + f"\r\n--b{len(files)}--\r\n".encode()
        inner = mail(("deep.csv", "text/csv", b"deepest;1\n"), text="The inner words.")
        got = self.read("a.eml", mail(("offer.docx", "application/octet-stream", f.docx(f.paragraph("the offer"))), ("", "message/rfc822", inner),
                                      ("many.zip", "application/zip", f.zipped([("x.txt", b"from the archive")])), ("dot.png", "image/png", f.png(4, 4)),
                                      ("../../etc/NUL", "text/plain", b"evil name"), ("OFFER.docx", "text/plain", b"a twin")))
        for mark, words in (("file offer.docx", "the offer"), ("file part 3.eml", "The inner words."), ("file part 3.eml / deep.csv", "deepest;1"),
                            ("file many.zip / x.txt", "from the archive")):
            self.assertIn(f"--- {mark} ---", got["text"])
            self.assertIn(words, got["text"])
        self.assertIn("evil name", got["text"])
        self.assertEqual(self.codes(got) & {"member_name", "member_twin", "attachments_not_read"}, {"member_name", "member_twin", "attachments_not_read"})
        self.assertIn("1 of the files", next(w["detail"] for w in got["warnings"] if w["code"] == "attachments_not_read"))
        whole = self.read("a.eml", f.eml("The body.", ("quote.csv", "text/csv", base64.b64encode(b"a;b\n"))))
        self.assertNotIn("attachments_not_read", self.codes(whole))

    def test_a_blob_that_another_module_made(self):
        script = ImapScript()
        self.addCleanup(script.close)
        script.boxes["INBOX"].add(message("blob", text="words in a blob\r\n"))
        self.host.add_credential(script.record(), "planted-password")
        raw = self.host.call("email_fetch", {"credential_id": "me", "uid": 1, "format": "raw"})["raw"]
        self.assertIn("words in a blob", self.host.call("documents_extract", {"blob": raw["blob"]})["text"])
        self.assertEqual(self.host.call("documents_ingest", {"blob": raw["blob"]})["kind"], "eml")

    def test_pdf(self):
        pdf = self.read("a.pdf", f.pdf(["First page", "Second (page)", ""]))
        self.assertEqual((pdf["kind"], pdf["facts"]["pages"], pdf["warnings"]), ("pdf", 3, []))
        self.assertEqual(pdf["text"], "--- page 1 ---\nFirst page\n--- page 2 ---\nSecond (page)\n--- page 3 ---\n")
        self.assertIn("no_text", self.codes(self.read("scan.pdf", f.pdf(["", ""]))))
        self.assertNotIn("Second", self.read("a.pdf", f.pdf(["First", "Second"]), max_pages=1)["text"])
        self.assertIn("pdf_active", self.codes(self.read("a.pdf", f.pdf(["x"], extra=b"/OpenAction<</S/JavaScript/JS(app.alert(1))>>"))))
        self.refused("broken.pdf", b"%PDF-1.7\nnothing", "damaged")
        self.refused("locked.pdf", f.pdf_encrypted(), "encrypted")

    def test_docx(self):
        table = "<w:tbl><w:tr><w:tc><w:p><w:r><w:t>bolt</w:t></w:r></w:p></w:tc><w:tc><w:p><w:r><w:t>1.50</w:t></w:r></w:p></w:tc></w:tr></w:tbl>"
        body = (f.paragraph("One") + f.paragraph("hidden", "<w:rPr><w:vanish/></w:rPr>") + f.paragraph("Two", "", '<w:br w:type="page"/>') +
                "<w:p><w:del><w:r><w:delText>gone</w:delText></w:r></w:del></w:p>" + table)
        d = self.read("a.docx", f.docx(body, [("word/footnotes.xml", f"<w:footnotes {f.W}>{f.paragraph('A note')}</w:footnotes>")],
                                       [("n", "footnotes", "footnotes.xml"), ("t", "attachedTemplate", "http://evil.example/t.dotm", 1)]))
        self.assertEqual(d["text"], "--- page 1 ---\nOne\n\n--- page 2 ---\nTwo\n\nbolt \t1.50 \t\n--- footnotes ---\nA note\n")
        self.assertEqual(self.codes(d), {"hidden_text", "deleted_text", "external_reference"})
        self.assertEqual(self.codes(self.read("a.docm", f.docx(f.paragraph("x"), [("word/vbaProject.bin", b"x")]))), {"macros"})

    def test_xlsx(self):
        rows = ('<row r="1"><c r="A1" t="s"><v>0</v></c><c r="C1"><v>12.5</v></c><c r="D1" s="1"><v>46000</v></c><c r="E1" t="b"><v>1</v></c></row>'
                '<row r="9"><c r="A9" t="inlineStr"><is><t>in</t></is></c><c t="str"><f>"a"</f><v>a</v></c><c t="s"><v>99</v></c></row>')
        x = self.read("a.xlsx", f.xlsx([("Prices", "", rows), ("Other", "veryHidden", "<row><c><v>1</v></c></row>")], ["Bolt"],
                                       '<cellXfs><xf numFmtId="0"/><xf numFmtId="14"/></cellXfs>'))
        self.assertEqual(x["text"], "--- sheet Prices ---\nBolt\t\t12.5\t2025-12-09\tTRUE\nin\ta\n--- sheet Other (hidden) ---\n1\n")
        self.assertEqual((x["facts"]["sheets"], self.codes(x)), (["Prices", "Other"], {"hidden_sheet"}))

    def test_pptx(self):
        p = self.read("a.pptx", f.pptx(["Hello", "World", ("Secret", 'show="0"')], {2: "say it slowly"}))
        self.assertEqual(p["text"], "--- slide 1 ---\nHello\n--- slide 2 ---\nWorld\n--- slide 2, notes ---\nsay it slowly\n--- slide 3 (hidden) ---\nSecret\n")
        self.assertEqual((p["facts"]["slides"], self.codes(p)), (3, {"hidden_slide"}))

    def test_archives(self):
        inside = [("a.txt", b"hello"), ("b/c.docx", f.docx(f.paragraph("Inner"))), ("d.pdf", f.pdf(["In PDF"])), ("x.bin", b"\0\1\2" * 9), ("z.zip", f.zipped([("y.csv", b"1,2")]))]
        for name, data in (("a.zip", f.zipped(inside)), ("a.tar", f.tarred(inside)), ("a.tgz", f.tarred(inside, "w:gz")),
                           ("a.tar.xz", f.tarred(inside, "w:xz")), ("a.tar.bz2", f.tarred(inside, "w:bz2"))):
            with self.subTest(name):
                z = self.read(name, data)
                for text in ("--- file a.txt ---\nhello\n", "--- b/c.docx, page 1 ---\nInner\n", "--- d.pdf, page 1 ---\nIn PDF\n",
                             "--- file z.zip / y.csv ---\n1,2\n", "\nx.bin\t27\tunknown\n"):
                    self.assertIn(text, z["text"])
        packed = self.read("prices.csv.gz", gzip.compress(b"a,b\n", mtime=0))
        self.assertIn("--- file prices.csv ---\na,b\n", packed["text"])

    def test_a_picture_is_said_and_a_program_too(self):
        p = self.read("a.png", f.png(640, 480))
        self.assertEqual((p["kind"], p["facts"]["width"], p["facts"]["height"], self.codes(p), p["text"]), ("png", 640, 480, {"no_text"}, ""))
        self.refused("quote.pdf", b"MZ" + bytes(200), "unsupported", "program")
        self.refused("noise", bytes(range(256)) * 10, "unsupported")

    # FAULTS 'Attachments'

    def test_names_in_archives(self):
        names = ["../../up.txt", "/etc/absolute.txt", "C:\\drive.txt", "a\\..\\back.txt", "new\nline.txt", "invoice\u202etxt.exe", "CON", "n" * 4096,
                 "Twin.txt", "tWIN.TXT", "caf\u00e9.txt", "cafe\u0301.txt"]
        before = set(os.listdir("/tmp"))
        for name, data in (("a.tar", f.tarred([(n, b"text of it") for n in names])), ("a.zip", f.zipped([(n, b"text of it") for n in names]))):
            with self.subTest(name):
                a = self.read(name, data)
                self.assertEqual(a["facts"]["entries"], len(names))
                said = " ".join(w["detail"] for w in a["warnings"] if w["code"] == "member_name")
                # What reads ZIP files takes a backslash for a slash.
                for fault in ("leads out", "absolute", "control", "direction", "reserved", "longer") + (("backslashes",) if name == "a.tar" else ()):
                    self.assertIn(fault, said)
                self.assertEqual(sum(w["code"] == "member_twin" for w in a["warnings"]), 2)
                self.assertNotIn("\u202e", json.dumps(a, ensure_ascii=False))
                self.assertTrue(all(len(e["name"].encode()) <= 255 for e in a["facts"]["files"]))
        self.assertFalse(os.path.exists("/etc/absolute.txt"))
        left = [n for n in set(os.listdir("/tmp")) - before if n.startswith(("mailroom-document-", "mailroom-parser-"))]
        wait_for("what was written to be gone (tests beside this one have such folders, too, for a while)",
                 lambda: not [n for n in left if os.path.exists(os.path.join("/tmp", n))], 30)

    def test_links_and_devices_are_not_followed(self):
        self.host.write("target.txt", "what lies outside")
        outside = os.path.join(self.host.dir, "target.txt")
        a = self.read("a.tar", f.tarred([f.special("s", tarfile.SYMTYPE, outside), ("s", b"through the link"), f.special("h", tarfile.LNKTYPE, outside),
                                         f.special("d", tarfile.CHRTYPE), f.special("f", tarfile.FIFOTYPE), f.special("dir", tarfile.DIRTYPE)]))
        self.assertNotIn("what lies outside", a["text"])
        with open(outside) as after:
            self.assertEqual(after.read(), "what lies outside")
        self.assertEqual([e.get("note") for e in a["facts"]["files"]], ["link", None, "link", "device", "device", "folder"])
        link = zipfile.ZipInfo("s", f.TIME)
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        link.create_system = 3
        z = self.read("a.zip", f.zipped([(link, outside)]))
        self.assertNotIn("what lies outside", z["text"])
        self.assertIn("member_special", self.codes(z))

    def test_zip_bombs(self):
        self.refused("overlap.zip", f.overlapping_zip(), "limit", "overlap")
        a = self.read("nested.zip", f.nested_zip(8))
        self.assertIn("not read: archives nest too deep", a["text"])
        self.assertNotIn("deep inside", a["text"])
        one = self.read("one.zip", f.zipped([("zeros.bin", bytes(300 << 20))]))
        self.assertIn("limit_unpacked", self.codes(one))
        many = self.read("many.zip", f.zipped([(f"{i}.txt", b"x") for i in range(300)]))
        self.assertEqual((many["facts"]["entries"], many["text"].count("--- file "), many["text"].count("not read: too many files")), (300, 200, 100))

    def test_gzip_of_zeros(self):
        zeros = f.zeros_gz(400 << 20)
        self.assertLess(len(zeros), 1 << 20)
        a = self.call("zeros.gz", zeros)
        self.assertEqual(a.get("text", "").count("\0"), 0)
        b = self.call("zeros.tar", f.tarred([("z.bin", bytes(300 << 20))], "w:gz"))
        self.assertTrue("limit_unpacked" in self.codes(b) or b.get("reason") == "limit", str(b)[:300])

    def test_entity_bombs(self):
        for doctype, entity in ((ENTITY_BOMB, "&j;"), (EXTERNAL, "&x;")):
            d = self.read("a.docx", f.docx(f.paragraph("before " + entity), doctype=doctype))
            self.assertIn("xml_doctype", self.codes(d))
            self.assertLess(len(d["text"]), 200)
            self.assertNotIn("root:", d["text"])
            x = self.read("a.xlsx", f.xlsx([("A", "", '<row><c t="s"><v>0</v></c></row>')], [entity], doctype=doctype))
            self.assertLess(len(x["text"]), 200)

    def test_office_bombs(self):
        self.refused("big.docx", f.docx(f.paragraph("x" * (40 << 20))), "limit", "more than")
        self.refused("deep.docx", f.docx("<w:p>" * 100_000 + "</w:p>" * 100_000), "limit", "nests")
        self.refused("cut.docx", f.docx(f.paragraph("x"))[:-60], "damaged")
        twins = self.read("twin.docx", f.docx(f.paragraph("one"), [("word/document.xml", f"<w:document {f.W}><w:body>{f.paragraph('two')}</w:body></w:document>")]))
        self.assertIn("member_twin", self.codes(twins))

    def test_pdf_bombs(self):
        # Time and memory are the parser's; the answer is a text, or that there was none in time.
        a = self.call("bomb.pdf", f.pdf_bomb())
        self.assertTrue("warnings" in a or a["reason"] in ("timeout", "crashed", "limit", "damaged"), str(a)[:300])
        loop = f.pdf(["x"]).replace(b"/Kids[4 0 R]", b"/Kids[2 0 R]")
        self.assertIsNotNone(self.call("loop.pdf", loop))

    def test_giant_pictures(self):
        a = self.read("a.png", f.png(2**31 - 1, 2**31 - 1))
        self.assertIn("picture_giant", self.codes(a))

    def test_polyglots_and_false_labels(self):
        a = self.read("a.png", f.png(1, 1) + f.zipped([("a.txt", b"x")]))
        self.assertIn("type_polyglot", self.codes(a))
        b = self.read("a.pdf", f.pdf(["x"]) + f.zipped([("a.txt", b"x")]))
        self.assertIn("type_polyglot", self.codes(b))
        for name, data, kind in (("quote.docx", f.pdf(["x"]), "pdf"), ("quote.pdf", f.docx(f.paragraph("x")), "docx"), ("a.png", b"<html><p>x", "html"),
                                 ("a.txt", f.zipped([("a.txt", b"x")]), "zip")):
            got = self.read(name, data)
            self.assertEqual(got["kind"], kind)
            self.assertIn("type_contradiction", self.codes(got))

    def test_encrypted_is_said_not_guessed(self):
        z = self.read("a.zip", f.encrypted_zip())
        self.assertIn("encrypted", self.codes(z))
        self.assertIn("secret.txt\t40\tencrypted", z["text"])
        self.refused("a.docx", f.compound_file("EncryptedPackage"), "encrypted")
        self.refused("a.doc", f.compound_file("_VBA_PROJECT"), "unsupported")

    def test_every_cut_of_a_document_is_an_answer(self):
        for name, data in (("a.docx", f.docx(f.paragraph("Hello"))), ("a.pdf", f.pdf(["Hello"])), ("a.tgz", f.tarred([("a.txt", b"hello")], "w:gz")),
                           ("a.eml", f.eml("x", ("q", "text/plain", b"AA")))):
            for cut in range(1, len(data), len(data) // 6):
                self.assertIsNotNone(self.call(name, data[:cut]), f"{name} cut at {cut}")

    # How it is used

    def test_windows_join(self):
        text = "".join(f"line {i} Grüße\n" for i in range(400))
        joined, offset = "", 0
        while True:
            part = self.read("a.txt", text.encode(), text_offset=offset, max_text_bytes=1024)
            joined += part["text"]
            if not part["truncated"]:
                break
            offset = part["next_offset"]
        self.assertEqual(joined, text)

    def limited(self, arguments):
        """A host of its own with 48 MiB of data, which its parsers inherit; the document itself is a mapped file."""
        os.makedirs(self.host.dir + "/limited/config", exist_ok=True)
        self.host.write("limited/config/documents.json", json.dumps({"memory_mb": {"mail": 48}}))

        def limit():
            if PATIENCE == 1:  # a sanitizer's shadow is data, too
                resource.setrlimit(resource.RLIMIT_DATA, (48 << 20, 48 << 20))
        said = subprocess.run([STUB, "call", "documents_extract", json.dumps(arguments), "--json", "--home", self.host.dir + "/limited"],
                              capture_output=True, preexec_fn=limit, timeout=100 * PATIENCE)
        self.host.written += [said.stdout.decode(errors="replace"), said.stderr.decode(errors="replace")]
        self.assertEqual(said.returncode, 0, said.stderr[-1000:])
        return json.loads(said.stdout)["structuredContent"]

    def test_a_table_of_110_mb_within_48(self):
        path = os.path.join(self.host.dir, "large.csv")
        with open(path, "w") as out:
            for n in range(0, 110_000_000, 55 * 10_000):
                out.write("".join(f"{n + 55 * i:09d},bolt M8 with a long name and more text,{i % 97:02d}.50\n" for i in range(10_000)))
        self.assertEqual(os.path.getsize(path), 110_000_000)
        got = self.limited({"path": path, "text_offset": 109_999_945})
        self.assertEqual((got["kind"], got["truncated"], got["text"]), ("csv", False, "109999945,bolt M8 with a long name and more text,08.50\n"))
        os.unlink(path)

    def test_a_message_of_150_mb_within_48(self):
        path = os.path.join(self.host.dir, "large.eml")
        line = base64.b64encode(bytes(range(57))) + b"\r\n"
        with open(path, "wb") as out:
            out.write(f.eml("What is attached is large.", ("0.pdf", "application/pdf", b""))[:-len(b"\r\n--b--\r\n")])
            for n in range(1, 4):
                out.write(line * (50_000_000 // len(line)))
                out.write(b'--b\r\nContent-Type: application/pdf; name="%d.pdf"\r\nContent-Disposition: attachment\r\nContent-Transfer-Encoding: base64\r\n\r\n' % n)
            out.write(b"AAAA\r\n--b--\r\n")
        got = self.limited({"path": path})
        self.assertEqual([a["filename"] for a in got["facts"]["attachments"]], ["0.pdf", "1.pdf", "2.pdf", "3.pdf"])
        self.assertIn("What is attached is large.", got["text"])
        os.unlink(path)

    def test_the_sandbox_is_said(self):
        status = self.host.quick_call("documents_status", {})["structuredContent"]
        for kind in ("others", "pdf"):
            self.assertTrue(status[kind]["ready"], status)
            self.assertTrue(status[kind]["sandbox"]["seccomp"])
            s = status[kind]["sandbox"]
            self.assertEqual(len(s["missing"]), (not s["landlock"]) + (not s["own_network"]) + (s["user"] < 0) + (not s["memory_limits"]))
        self.assertEqual(self.read("a.txt", b"x")["sandbox"], status["others"]["sandbox"])

    def test_ingest_and_remove(self):
        where = {"message_id": "q7@supplier.example", "sender": "ann@supplier.example", "authentication": "pass", "part": "2", "credential_id": "work",
                 "mailbox": "INBOX", "uid": 7}
        first = self.call("prices.pdf", f.pdf(["The zyxomatic bolt", "costs twelve"]), tool="documents_ingest", provenance=where)
        self.assertEqual((first["kind"], first["replaced"]), ("pdf", False), first)
        again = self.call("prices.pdf", f.pdf(["The zyxomatic bolt", "costs twelve"]), tool="documents_ingest", provenance=where)
        self.assertEqual((again["id"], again["replaced"]), (first["id"], True))
        nothing = self.call("scan.pdf", f.pdf([""]), tool="documents_ingest", provenance=where)
        self.assertEqual(nothing["reason"], "no_text")
        found = self.host.json("kb", "search", "zyxomatic")
        text = json.dumps(found)
        for words in ("page 1", "q7@supplier.example", "ann@supplier.example", "pass", first["sha256"], "INBOX", "prices.pdf"):
            self.assertIn(words, text)
        gone = self.host.quick_call("documents_remove", {"message_id": "q7@supplier.example"})["structuredContent"]
        self.assertEqual(gone, {"removed": 1})
        self.assertNotIn("zyxomatic", json.dumps(self.host.json("kb", "search", "zyxomatic")))


if __name__ == "__main__":
    main()
