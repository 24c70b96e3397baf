#!/usr/bin/env python3
"""read_python.py FILE...: each message as Python's `email` reads it, a line of JSON (the form stands in interop_test.py)."""
import email
import email.policy
import hashlib
import json
import os
import sys

POLICY = email.policy.default.clone(refold_source="none")


def addresses(message, name):
    """Bytes of UTF-8 in a header (RFC 6532) come as surrogates (PEP 383)."""
    return [[a.display_name, a.addr_spec.encode("utf-8", "surrogateescape").decode()] for h in message.get_all(name, []) for a in h.addresses]


def content(part):
    """The decoded bytes; of a message within: its bytes as they stand."""
    if part.get_content_type() == "message/rfc822":
        inner = part.get_payload(0)
        return inner.as_bytes(policy=POLICY.clone(linesep="\r\n"))
    return part.get_payload(decode=True)


def leaves(part):
    if part.get_content_maintype() == "multipart":
        for child in part.iter_parts():
            yield from leaves(child)
    else:
        yield part


def read(path):
    with open(path, "rb") as f:
        message = email.message_from_binary_file(f, policy=POLICY)
    out = {"file": os.path.basename(path), "date": int(message["Date"].datetime.timestamp()), "subject": message["Subject"],
           "message_id": message["Message-ID"], "in_reply_to": message["In-Reply-To"], "references": message["References"],
           "x": message["X-Mailroom-Test"], "text": None, "html": None, "attachments": []}
    for name in ("from", "to", "cc", "bcc", "reply_to"):
        out[name] = addresses(message, name.replace("_", "-"))
    for part in leaves(message):
        kind = {"text/plain": "text", "text/html": "html"}.get(part.get_content_type())
        disposition = part.get_content_disposition()
        if kind and disposition is None:
            assert out[kind] is None
            out[kind] = part.get_content()
            continue
        data = content(part)
        out["attachments"].append({"name": part.get_filename(), "type": part.get_content_type(), "size": len(data),
                                   "sha256": hashlib.sha256(data).hexdigest(), "inline": disposition == "inline",
                                   "cid": (part["Content-ID"] or "").strip("<>")})
    return out


for name in sys.argv[1:]:
    print(json.dumps(read(name)))
