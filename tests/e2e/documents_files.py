"""Documents made for the tests, from nothing but Python's standard library: the same bytes at every run."""
import gzip
import io
import os
import struct
import tarfile
import warnings
import zipfile
import zlib

TIME = (2026, 11, 1, 0, 0, 0)
W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
S = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
P = 'xmlns:p="http://schemas.openxmlformats.org/presentationml/2006/main" xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"'
R = 'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"'
REL = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/"


def zipped(files, method=zipfile.ZIP_DEFLATED):
    """files: [(name or ZipInfo, bytes or text)]; names may repeat."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as z, warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of a name that is there twice
        for name, data in files:
            info = name if isinstance(name, zipfile.ZipInfo) else zipfile.ZipInfo(name, TIME)
            info.compress_type = method
            z.writestr(info, data)
    return out.getvalue()


def rels(*targets):
    """targets: (id, type, target[, external])"""
    inner = "".join(f'<Relationship Id="{t[0]}" Type="{REL}{t[1]}" Target="{t[2]}"{" TargetMode=%sExternal%s" % (chr(34), chr(34)) if len(t) > 3 else ""}/>' for t in targets)
    return f'<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">{inner}</Relationships>'


def docx(body, extra=(), relations=(), doctype=""):
    return zipped([("[Content_Types].xml", "<Types/>"), ("_rels/.rels", rels(("r1", "officeDocument", "word/document.xml"))),
                   ("word/document.xml", f'<?xml version="1.0"?>{doctype}<w:document {W}><w:body>{body}</w:body></w:document>'),
                   ("word/_rels/document.xml.rels", rels(*relations)), *extra])


def paragraph(text, properties="", before=""):
    return f"<w:p><w:r>{properties}{before}<w:t>{text}</w:t></w:r></w:p>"


def xlsx(sheets, shared=(), styles="", extra=(), doctype=""):
    """sheets: [(name, state, rows as XML)]"""
    book = "".join(f'<sheet name="{n}" sheetId="{i}" r:id="s{i}"{f" state={chr(34)}{state}{chr(34)}" if state else ""}/>' for i, (n, state, _) in enumerate(sheets, 1))
    files = [("[Content_Types].xml", "<Types/>"), ("_rels/.rels", rels(("r1", "officeDocument", "xl/workbook.xml"))),
             ("xl/workbook.xml", f"<workbook {S} {R}><sheets>{book}</sheets></workbook>"),
             ("xl/_rels/workbook.xml.rels", rels(*[(f"s{i}", "worksheet", f"worksheets/sheet{i}.xml") for i in range(1, len(sheets) + 1)],
                                                 ("ss", "sharedStrings", "sharedStrings.xml"), ("st", "styles", "styles.xml"))),
             ("xl/sharedStrings.xml", f'{doctype}<sst {S}>' + "".join(f"<si><t>{s}</t></si>" for s in shared) + "</sst>"),
             ("xl/styles.xml", f"<styleSheet {S}>{styles}</styleSheet>")]
    files += [(f"xl/worksheets/sheet{i}.xml", f"<worksheet {S}><sheetData>{rows}</sheetData></worksheet>") for i, (_, _, rows) in enumerate(sheets, 1)]
    return zipped(files + list(extra))


def pptx(slides, notes=None):
    """slides: [text or (text, attributes)]; notes: {number: text}"""
    notes = notes or {}
    text = lambda t: f"<p:cSld><p:spTree><p:sp><p:txBody><a:p><a:r><a:t>{t}</a:t></a:r></a:p></p:txBody></p:sp></p:spTree></p:cSld>"
    ids = "".join(f'<p:sldId id="{255 + i}" r:id="r{i}"/>' for i in range(1, len(slides) + 1))
    files = [("[Content_Types].xml", "<Types/>"), ("_rels/.rels", rels(("r1", "officeDocument", "ppt/presentation.xml"))),
             ("ppt/presentation.xml", f"<p:presentation {P} {R}><p:sldIdLst>{ids}</p:sldIdLst></p:presentation>"),
             ("ppt/_rels/presentation.xml.rels", rels(*[(f"r{i}", "slide", f"slides/slide{i}.xml") for i in range(1, len(slides) + 1)]))]
    for i, slide in enumerate(slides, 1):
        words, attributes = slide if isinstance(slide, tuple) else (slide, "")
        files.append((f"ppt/slides/slide{i}.xml", f"<p:sld {P} {attributes}>{text(words)}</p:sld>"))
        if i in notes:
            files.append((f"ppt/slides/_rels/slide{i}.xml.rels", rels(("n", "notesSlide", f"../notesSlides/notes{i}.xml"))))
            files.append((f"ppt/notesSlides/notes{i}.xml", f"<p:notes {P}>{text(notes[i])}</p:notes>"))
    return zipped(files)


def pdf(pages, extra=b"", filters=None, trailer=b""):
    """pages: one text each. extra: further objects; filters: (name, bytes) in place of the first page's content."""
    objects = {1: b"<</Type/Catalog/Pages 2 0 R" + extra + b">>", 3: b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"}
    kids = []
    for i, text in enumerate(pages):
        page, content = 4 + 2 * i, 5 + 2 * i
        kids.append(b"%d 0 R" % page)
        objects[page] = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Resources<</Font<</F1 3 0 R>>>>/Contents %d 0 R>>" % content
        stream = b"BT /F1 12 Tf 72 720 Td (" + text.encode("latin-1").replace(b"(", b"\\(").replace(b")", b"\\)") + b") Tj ET" if text else b""
        filter_ = b""
        if filters and i == 0:
            filter_, stream = b"/Filter " + filters[0], filters[1]
        objects[content] = b"<</Length %d%s>>\nstream\n%s\nendstream" % (len(stream), filter_, stream)
    objects[2] = b"<</Type/Pages/Count %d/Kids[%s]>>" % (len(pages), b" ".join(kids))
    out, offsets = io.BytesIO(b"%PDF-1.4\n"), {}
    out.seek(0, 2)
    for number in sorted(objects):
        offsets[number] = out.tell()
        out.write(b"%d 0 obj\n%s\nendobj\n" % (number, objects[number]))
    start, size = out.tell(), max(objects) + 1
    out.write(b"xref\n0 %d\n0000000000 65535 f \n" % size)
    for number in range(1, size):
        out.write(b"%010d 00000 n \n" % offsets[number])
    out.write(b"trailer\n<</Size %d/Root 1 0 R%s>>\nstartxref\n%d\n%%%%EOF\n" % (size, trailer, start))
    return out.getvalue()


def pdf_encrypted():
    """Says that it is encrypted (RC4, 40 bits) with a user password that is not empty."""
    key = b"/Encrypt <</Filter/Standard/V 1/R 2/O <%s>/U <%s>/P -44>>/ID[<00><00>]" % (b"41" * 32, b"42" * 32)
    return pdf(["secret"], trailer=key)


def pdf_bomb(levels=3, size=200 << 20):
    """A page whose content unpacks, level by level, to `size` bytes."""
    packer = zlib.compressobj(9)
    data = b"".join([packer.compress(b" " * (1 << 20)) for _ in range(size >> 20)]) + packer.flush()
    for _ in range(levels - 1):
        data = zlib.compress(data, 9)
    return pdf(["x"], filters=(b"[" + b"/FlateDecode" * levels + b"]", data))


def tarred(members, mode="w"):
    """members: TarInfo, or (name, bytes)"""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as t:
        for m in members:
            if isinstance(m, tarfile.TarInfo):
                t.addfile(m)
            else:
                info = tarfile.TarInfo(m[0])
                info.size = len(m[1])
                t.addfile(info, io.BytesIO(m[1]))
    return out.getvalue()


def special(name, type_, target=""):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = type_, target
    return info


def zeros_gz(size):
    out = io.BytesIO()
    with gzip.GzipFile(fileobj=out, mode="wb", mtime=0, filename="") as z:
        for _ in range(size >> 20):
            z.write(bytes(1 << 20))
    return out.getvalue()


def overlapping_zip(copies=200, size=20 << 20):
    """Many names, one body: the local header of each lies in the same place, as in the better zip bomb."""
    one = zipped([("a.txt", b"a" * size)])
    end = one.rindex(b"PK\5\6")
    start = struct.unpack("<I", one[end + 16:end + 20])[0]
    entry = one[start:end]
    central = b"".join(entry.replace(b"a.txt", b"%05d" % i) for i in range(copies))
    return one[:start] + central + struct.pack("<4sHHHHIIH", b"PK\5\6", 0, 0, copies, copies, len(central), start, 0)


def nested_zip(depth, payload=b"deep inside"):
    data = zipped([("deep.txt", payload)])
    for level in range(depth - 1):
        data = zipped([(f"level{level}.zip", data)])
    return data


def encrypted_zip():
    """One stored file whose flags say that it is encrypted."""
    data = bytearray(zipped([("secret.txt", b"x" * 40)], zipfile.ZIP_STORED))
    for sign, at in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        data[data.index(sign) + at] |= 1
    return bytes(data)


def compound_file(name):
    """The beginning of an old Office file with one stream of this name."""
    return b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(1000) + name.encode("utf-16-le") + bytes(1000)


def png(width, height):
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunk = lambda t, d: struct.pack(">I", len(d)) + t + d + struct.pack(">I", zlib.crc32(t + d))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


def eml(body, attachment=None, headers=""):
    head = f"From: Ann <ann@supplier.example>\r\nTo: buy@example.org\r\nSubject: Quote 7\r\nMessage-ID: <q7@supplier.example>\r\nDate: Mon, 2 Nov 2026 10:00:00 +0000\r\n{headers}MIME-Version: 1.0\r\n"
    if attachment is None:
        return (head + f"Content-Type: text/plain; charset=utf-8\r\n\r\n{body}\r\n").encode()
    name, type_, data = attachment
    return (head + f'Content-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{body}\r\n--b\r\nContent-Type: {type_}\r\n'
            f'Content-Disposition: attachment; filename="{name}"\r\nContent-Transfer-Encoding: base64\r\n\r\n').encode() + data + b"\r\n--b--\r\n"


def write(folder, name, data):
    path = os.path.join(folder, name)
    with open(path, "wb") as f:
        f.write(data)
    return path
