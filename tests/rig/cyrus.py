"""The private Cyrus of a rig that was started with `--imap cyrus`: configuration, sign-in, and what lies in its mailboxes.

Debian's cyrus-imapd cannot be installed beside dovecot-imapd (both are "the" IMAP server), so its programs are unpacked from the
package into build/debian (tests/rig/cyrus-package does it); all else comes from cyrus-common. Cyrus keeps no Maildirs: what arrived is
read over IMAP.
"""
import imaplib
import os
import pwd
import re
import shutil
import socket
import ssl
import struct
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
UNPACKED = os.path.normpath(f"{HERE}/../../build/debian/cyrus-imapd/usr/lib/cyrus/bin")
BIN = "/usr/lib/cyrus/bin"
FOLDERS = ["config", "config/db", "config/log", "config/msg", "config/proc", "config/ptclient", "config/quota", "config/socket", "config/user",
           "config/lock", "config/backup", "run", "run/proc", "run/lock", "spool", "sieve", "tls", "bin"]


def program(name):
    for folder in (BIN, UNPACKED):
        if os.path.exists(f"{folder}/{name}"):
            return f"{folder}/{name}"
    return None


def missing():
    """What to do before a rig can have Cyrus; empty: nothing."""
    if not os.path.exists(f"{BIN}/master"):
        return "apt-get install cyrus-common (or ./run test, which installs all of packages.debian)"
    return "" if program("imapd") else "tests/rig/cyrus-package, which unpacks Debian's cyrus-imapd into build/debian (or ./run test)"


def configure(info, fill, values):
    d = f"{info['dir']}/cyrus"
    user = pwd.getpwnam("cyrus")
    for sub in [""] + FOLDERS:
        os.makedirs(f"{d}/{sub}", exist_ok=True)
        os.chown(f"{d}/{sub}", user.pw_uid, user.pw_gid)
    for name in ("server", "wrong-name", "untrusted"):
        for end in ("pem", "key"):
            path = shutil.copy(f"{info['dir']}/tls/{name}.{end}", f"{d}/tls/{name}.{end}")
            os.chown(path, user.pw_uid, user.pw_gid)
    for name in ("imapd", "idled"):  # the user cyrus may have no way to where they were unpacked
        shutil.copy(program(name), f"{d}/bin/{name}")
    fill("imapd.conf.in", f"{d}/imapd.conf", values)
    fill("cyrus.conf.in", f"{d}/cyrus.conf", values)


def command(info):
    d = info["dir"]
    return [f"{BIN}/master", "-M", f"{d}/cyrus/cyrus.conf", "-C", f"{d}/cyrus/imapd.conf", "-p", f"{d}/cyrus/run/pid"]


def serve_sign_in(info):
    """Answers as saslauthd does (four strings, each behind its length; one back): any user with the rig's password is right."""
    path = f"{info['dir']}/cyrus/run/mux"
    if os.path.exists(path):
        os.unlink(path)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    os.chmod(path, 0o666)
    listener.listen(64)

    def field(s):
        return s.read(struct.unpack("!H", s.read(2))[0])

    def answer(c):
        with c, c.makefile("rb") as s:
            try:
                _, password, _, _ = (field(s) for _ in range(4))
                said = b"OK" if password.decode(errors="replace") == info["password"] else b"NO"
                c.sendall(struct.pack("!H", len(said)) + said)
            except (OSError, struct.error):
                pass

    def loop():
        while True:
            c, _ = listener.accept()
            threading.Thread(target=answer, args=(c,), daemon=True).start()
    threading.Thread(target=loop, daemon=True).start()


FLAGS = {b"\\Seen": "S", b"\\Answered": "R", b"\\Flagged": "F", b"\\Draft": "D", b"\\Deleted": "T"}


def files(info, user, folder):
    """The mailbox as files, fetched over IMAP: <uid>:2,<flags as in a Maildir>, with the arrival as their time. Empty where there is none;
    while the server is down, what was last seen."""
    out = f"{info['dir']}/seen/{user.lower()}/{folder.replace('/', '.')}"
    os.makedirs(out, exist_ok=True)
    context = ssl.create_default_context(cafile=info["ca_file"])
    try:
        imap = imaplib.IMAP4_SSL(info["host"], info["imap_tls_port"], ssl_context=context, timeout=30)
    except ConnectionRefusedError:
        return sorted((f"{out}/{name}" for name in os.listdir(out)), key=lambda path: int(os.path.basename(path).split(":")[0]))
    try:
        imap.login(user, info["password"])
        if imap.select('"' + folder + '"', readonly=True)[0] != "OK":
            return []
        rows = {}
        for row in imap.uid("FETCH", "1:*", "(UID FLAGS INTERNALDATE)")[1]:
            uid = re.search(rb"UID (\d+)", row or b"")
            if uid:
                flags = "".join(sorted(FLAGS[f] for f in re.search(rb"FLAGS \(([^)]*)\)", row)[1].split() if f in FLAGS))
                rows[int(uid[1])] = (flags, time.mktime(imaplib.Internaldate2tuple(row)))
        there = {int(name.split(":")[0]): name for name in os.listdir(out)}
        for uid in there.keys() - rows.keys():
            os.unlink(f"{out}/{there[uid]}")
        wanted = sorted(rows.keys() - there.keys())
        for at in range(0, len(wanted), 200):
            for part in imap.uid("FETCH", ",".join(map(str, wanted[at:at + 200])), "(UID BODY.PEEK[])")[1]:
                if isinstance(part, tuple):
                    uid = int(re.search(rb"UID (\d+)", part[0])[1])
                    there[uid] = f"{uid}:2,"
                    with open(f"{out}/{there[uid]}", "wb") as f:
                        f.write(part[1].replace(b"\r\n", b"\n"))
        found = []
        for uid in sorted(rows):
            flags, arrived = rows[uid]
            path = f"{out}/{uid}:2,{flags}"
            os.replace(f"{out}/{there[uid]}", path)
            os.utime(path, (arrived, arrived))
            found.append(path)
        return found
    finally:
        try:
            imap.logout()
        except (OSError, imaplib.IMAP4.error):
            pass
