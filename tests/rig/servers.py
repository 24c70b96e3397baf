"""The private Postfix and Dovecot (or Cyrus, see cyrus.py): configuration, certificates, start, stop.

Everything lives below one folder DIR; nothing of the system's own services is touched. Each rig reserves a block of ports by
holding an abstract Unix socket named after it, so that rigs started at the same time never race for one. What was started is
recorded before it runs: stop() finds it after a crash too.
"""
import glob
import grp
import json
import os
import pwd
import random
import resource
import secrets
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import time

import certificates
import cyrus
import oauth

HERE = os.path.dirname(os.path.abspath(__file__))
ROLES = ["imap_tls_port", "imap_plain_port", "smtp_tls_port", "smtp_submission_port", "smtp_mx_port", "oauth_port"]
HOSTS = {"host": "127.0.0.1", "no_idle_host": "127.0.0.2", "wrong_name_host": "127.0.0.3", "untrusted_host": "127.0.0.4"}
VMAIL = "vmail"
QUEUE = [(sub, "root", 0o700) for sub in ("active", "bounce", "corrupt", "defer", "deferred", "flush", "hold", "incoming",
                                          "private", "saved", "trace")] + [
    ("pid", "root", 0o755), ("public", "postdrop", 0o710), ("maildrop", "postdrop", 0o730)]  # as in Postfix's postfix-files
POSTFIX_DAEMONS = "/usr/lib/postfix/sbin"
NEEDS = {  # program: the Debian package it comes from
    "/usr/sbin/dovecot": "dovecot-imapd", "/usr/lib/dovecot/imap": "dovecot-imapd", "/usr/lib/dovecot/lmtp": "dovecot-lmtpd",
    "/usr/sbin/postfix": "postfix", "/usr/bin/openssl": "openssl", "/usr/sbin/useradd": "passwd"}


class RigError(Exception):
    """One line: what failed and what to do."""


def run(*argv, **more):
    done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True,
                          errors="replace", **more)
    if done.returncode:
        raise RigError(f"{' '.join(argv[:4])} failed: {done.stdout.strip()[-600:]}")
    return done.stdout


def check_machine(folder, imap, with_oauth):
    if os.geteuid() != 0:
        raise RigError("the rig must be started by root: Postfix and Dovecot change to users of their own (try sudo)")
    missing = sorted({package for program, package in NEEDS.items() if not os.path.exists(program)})
    if missing:
        raise RigError(f"missing: apt-get install {' '.join(missing)} (or ./run test, which installs all of packages.debian)")
    if imap == "cyrus" and cyrus.missing():
        raise RigError(f"missing: {cyrus.missing()}")
    if with_oauth and oauth.missing():
        raise RigError(f"missing: {oauth.missing()}")
    if len(folder) > 60:
        raise RigError(f"--dir is {len(folder)} bytes long; Unix sockets below it allow 60: choose a shorter one")
    parent = folder
    while parent != "/":
        parent = os.path.dirname(parent)
        if os.path.isdir(parent) and not os.stat(parent).st_mode & 0o001:
            raise RigError(f"{parent} is closed to other users; the servers run as users of their own: chmod o+x or another --dir")


def free_port(port):
    """True if nothing listens on `port` on any of the rig's addresses."""
    for host in HOSTS.values():
        with socket.socket() as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                s.bind((host, port))
            except OSError:
                return False
    return True


def reserve(base=None):
    """(the socket whose lifetime is the reservation, first port). Below the kernel's range for outgoing connections."""
    for candidate in [base] if base else random.sample(range(12000, 32000, 10), 200):
        guard = socket.socket(socket.AF_UNIX)
        try:
            guard.bind(f"\0mailroom-rig-{candidate}")
        except OSError:
            guard.close()
            if base:
                raise RigError(f"ports {base}.. are taken by another rig: stop it, or choose another --port-base")
            continue
        taken = [p for p in range(candidate, candidate + len(ROLES)) if not free_port(p)]
        if not taken:
            return guard, candidate
        guard.close()
        if base:
            raise RigError(f"port {taken[0]} is taken on 127.0.0.1: stop what listens there (ss -tlnp), or choose another --port-base")
    raise RigError("no free block of ports between 12000 and 32000 on 127.0.0.1")


def vmail_user():
    for _ in range(20):
        try:
            return pwd.getpwnam(VMAIL)
        except KeyError:  # two rigs may try at once: one of them finds it the next time round
            subprocess.run(["useradd", "--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent",
                            "--shell", "/usr/sbin/nologin", VMAIL], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(0.1)
    raise RigError(f"cannot make the system user {VMAIL}: useradd --system {VMAIL} says why")


def fill(source, target, values):
    with open(f"{HERE}/{source}") as f:
        text = f.read()
    for key, value in values.items():
        text = text.replace(f"@{key}@", str(value))
    with open(target, "w") as f:
        f.write(text)


def scram(folder, wanted):
    """Users whose keys (RFC 5802) stand in DIR/dovecot/scram.passwd, which tests write; others have the rig's password as ever."""
    if not wanted:
        return {"SCRAM_MECHANISMS": "", "SCRAM_PASSDB": ""}
    path = f"{folder}/dovecot/scram.passwd"
    open(path, "w").close()
    return {"SCRAM_MECHANISMS": "scram-sha-256 scram-sha-1", "SCRAM_PASSDB": "passdb {\n  driver = passwd-file\n  args = username_format=%u " + path + "\n}"}


def configure(info, many, discard):
    d = info["dir"]
    vmail = vmail_user()
    for sub in ("", "/dovecot", "/dovecot/run", "/dovecot/state", "/postfix", "/postfix/etc", "/postfix/queue", "/log"):
        os.makedirs(d + sub, exist_ok=True)
        os.chmod(d + sub, 0o755)
    os.makedirs(f"{d}/mail", exist_ok=True)
    os.chown(f"{d}/mail", vmail.pw_uid, vmail.pw_gid)
    postfix = pwd.getpwnam("postfix")
    os.makedirs(f"{d}/postfix/data", exist_ok=True)
    os.chown(f"{d}/postfix/data", postfix.pw_uid, postfix.pw_gid)
    for sub, group, mode in QUEUE:
        path = f"{d}/postfix/queue/{sub}"
        os.makedirs(path, exist_ok=True)
        os.chown(path, 0 if sub == "pid" else postfix.pw_uid, grp.getgrnam(group).gr_gid)
        os.chmod(path, mode)
    certificates.make_all(f"{d}/tls", run)
    values = {"DIR": d, "NAME": f"rig{info['imap_tls_port']}", "PASSWORD": info["password"], "VMAIL": VMAIL,
              "DAEMONS": POSTFIX_DAEMONS, "TRANSPORT": "discard:" if discard else "lmtp:unix:private/dovecot-lmtp",
              # A machine has few inotify instances a user (128); Dovecot looks every 30 s where it gets none, which tests do not wait for.
              "IDLE": "imap_hibernate_timeout = 5s" if many else "mailbox_idle_check_interval = 2s"}
    values.update({role.upper(): info[role] for role in ROLES})
    # Beside Cyrus, Dovecot only says to Postfix who may sign in.
    values.update({"OAUTH_MECHANISMS": "", "OAUTH_PASSDB": "", **scram(d, info["scram"])})
    if "oauth" in info:
        oauth.configure(info, run, fill, values)
    values.update({"LMTP_CONCURRENCY": 1, "LMTP_RECIPIENTS": 1} if info["imap"] == "cyrus" else {"LMTP_CONCURRENCY": 20, "LMTP_RECIPIENTS": 50})
    values["PROTOCOLS"] = "none" if info["imap"] == "cyrus" else "imap lmtp"
    if info["imap"] == "cyrus":
        cyrus.configure(info, fill, values)
    fill("dovecot.conf.in", f"{d}/dovecot/dovecot.conf", values)
    etc = f"{d}/postfix/etc"
    fill("main.cf.in", f"{etc}/main.cf", values)
    fill("master.cf.in", f"{etc}/master.cf", values)
    for name in ("main.cf", "master.cf"):  # Postfix waits until its configuration is some seconds old
        os.utime(f"{etc}/{name}", (time.time() - 60,) * 2)
    shutil.copy("/etc/postfix/dynamicmaps.cf", etc)
    os.makedirs(f"{etc}/dynamicmaps.cf.d", exist_ok=True)


def save(info):
    path = f"{info['dir']}/rig.json"
    with open(path + ".new", "w") as f:
        json.dump(info, f, indent=1)
    os.replace(path + ".new", path)


def load(folder):
    folder = os.path.abspath(folder)
    try:
        with open(f"{folder}/rig.json") as f:
            return json.load(f)
    except FileNotFoundError:
        raise RigError(f"no rig in {folder}: rig start --dir {folder}")


def members(group):
    """Processes of a group that still run (zombies do not)."""
    if not os.path.exists("/proc/self/stat"):
        try:
            os.killpg(group, 0)
            return [group]
        except ProcessLookupError:
            return []
    found = []
    for path in glob.glob("/proc/[0-9]*/stat"):
        try:
            with open(path) as f:
                state, _, pgrp = f.read().rsplit(")", 1)[1].split()[:3]
        except OSError:
            continue
        if int(pgrp) == group and state != "Z":
            found.append(int(path.split("/")[2]))
    return found


def boot_id():
    try:
        with open("/proc/sys/kernel/random/boot_id") as f:
            return f.read().strip()
    except OSError:
        return ""


def ours(info, group):
    """False when the recorded number is from before a reboot, or another program's by now."""
    if info.get("boot_id") != boot_id():
        return False
    try:
        exe = os.readlink(f"/proc/{group}/exe")
    except OSError:
        return True  # the leader is gone; as long as its group lives, nobody else gets its number
    return any(name in exe for name in ("dovecot", "postfix", "python", "cyrus", "node"))


def end_group(info, name):
    """The master first: it ends its children in good order; then whoever is left, at last without mercy."""
    group = info["pids"].get(name)
    if not group or not ours(info, group):
        return
    for send, number, sig, patience in ((os.kill, group, signal.SIGTERM, 0.5), (os.killpg, group, signal.SIGTERM, 2),
                                        (os.killpg, group, signal.SIGKILL, 5)):
        try:
            send(number, sig)
        except ProcessLookupError:
            pass
        until = time.monotonic() + patience
        while time.monotonic() < until:
            if not members(group):
                return
            time.sleep(0.02)
    raise RigError(f"{name} (process group {group}) does not end: kill -9 -- -{group}")


def spawn(info, name, argv, env=None, cwd="/"):
    with open(f"{info['dir']}/log/{name}.out", "w") as out:
        process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True, cwd=cwd, env=env)
    info["pids"][name] = process.pid
    save(info)
    return process


def start_dovecot(info):
    return spawn(info, "dovecot", ["/usr/sbin/dovecot", "-F", "-c", f"{info['dir']}/dovecot/dovecot.conf"])


def start_postfix(info):
    d = info["dir"]
    # As 'postfix start' does, less its inspection of the whole installation, which takes seconds.
    env = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "MAIL_CONFIG": f"{d}/postfix/etc", "LC_ALL": "C"}
    return spawn(info, "postfix", [f"{POSTFIX_DAEMONS}/master", "-s", "-c", f"{d}/postfix/etc"], env, f"{d}/postfix/queue")


def start_cyrus(info):
    return spawn(info, "cyrus", cyrus.command(info))


def start_oauth(info):
    return spawn(info, "oauth", *oauth.command(info))


def last_words(info, server):
    lines = []
    for suffix in ("out", "log"):
        try:
            with open(f"{info['dir']}/log/{server}.{suffix}", errors="replace") as f:
                lines += [l.strip() for l in f.readlines()[-6:]]
        except OSError:
            pass
    return " | ".join(lines)[-900:] or "it logged nothing"


def answers(info, role):
    """Connects as a client would and reads the greeting; over TLS with the CA verified."""
    with socket.create_connection((info["host"], info[role]), timeout=5) as s:
        if role in ("imap_tls_port", "smtp_tls_port", "oauth_port"):
            s = ssl.create_default_context(cafile=info["ca_file"]).wrap_socket(s, server_hostname="localhost")
        with s:
            return role == "oauth_port" or s.recv(512).startswith((b"* OK", b"220 "))


def wait_until_up(info, server, process, seconds=20):
    prefix = {"postfix": "smtp", "oauth": "oauth", info["imap"]: "imap"}.get(server, "none")
    wanted = [r for r in ROLES if r.startswith(prefix)]
    until = time.monotonic() + seconds
    while wanted:
        if process.poll() is not None:
            raise RigError(f"{server} ended with status {process.returncode} while starting; it said: {last_words(info, server)}")
        try:
            if answers(info, wanted[0]):
                wanted.pop(0)
                continue
        except OSError:
            pass
        if time.monotonic() > until:
            raise RigError(f"{server} does not answer on port {info[wanted[0]]} ({wanted[0]}) after {seconds} s; "
                           f"it said: {last_words(info, server)}")
        time.sleep(0.03)


STARTERS = {"dovecot": start_dovecot, "postfix": start_postfix, "cyrus": start_cyrus, "oauth": start_oauth}


def servers_of(info):
    """In the order of their start."""
    mail = ("dovecot", "postfix") if info["imap"] == "dovecot" else ("dovecot", "cyrus", "postfix")
    return ("oauth",) * ("oauth" in info) + mail


def start_server(info, name):
    if members(info["pids"].get(name, 0) or -1):
        raise RigError(f"{name} of {info['dir']} runs already")
    wait_until_up(info, name, STARTERS[name](info))
    if name == info["imap"] and members(info["pids"].get("postfix", 0) or -1):
        # What waited for it goes now, whatever Postfix's own schedule has come to on a busy machine.
        subprocess.run(["/usr/sbin/postqueue", "-c", f"{info['dir']}/postfix/etc", "-f"], stdin=subprocess.DEVNULL,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=30)


def start(folder, port_base=None, many=False, discard=False, owner=None, imap="dovecot", token_life=0, with_scram=False):
    """token_life: seconds an access token of its OAuth 2 server lives; 0: it has none."""
    folder = os.path.abspath(folder)
    check_machine(folder, imap, bool(token_life))
    if os.path.exists(f"{folder}/rig.json") and any(members(g) for g in load(folder)["pids"].values()):
        raise RigError(f"a rig runs in {folder} already: rig stop --dir {folder}")
    guard, base = reserve(port_base)
    os.makedirs(folder, exist_ok=True)
    os.chmod(folder, 0o711)
    info = {"dir": folder, "imap": imap, **HOSTS, "domain": "rig.test", "password": "rig-" + secrets.token_hex(8),
            "users": "any address of any domain has a mailbox and this password; refused@ is refused (550), deferred@ and full@ "
                     "answer 450 and 452",
            **{role: base + i for i, role in enumerate(ROLES)},
            "ca_file": f"{folder}/tls/ca.pem", "cert_file": f"{folder}/tls/server.pem",
            "logs": {name: f"{folder}/log/{name}.{'out' if name == 'cyrus' else 'log'}" for name in ("postfix", "dovecot", "cyrus")},
            "boot_id": boot_id(), "pids": {}, "scram": with_scram}
    if token_life:
        info["oauth"] = oauth.describe(info, token_life)
        info["logs"]["oauth"] = f"{folder}/log/oauth.out"
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    try:
        configure(info, many, discard)
        save(info)
        argv = [sys.executable, f"{HERE}/rig", "guard", "--dir", folder, "--owner", str(owner or 0), "--fd", str(guard.fileno())]
        with open(f"{folder}/log/guard.log", "w") as log:
            info["pids"]["guard"] = subprocess.Popen(argv, pass_fds=[guard.fileno()], stdin=subprocess.DEVNULL, stdout=log,
                                                     stderr=log, start_new_session=True, cwd="/").pid
        started = {name: STARTERS[name](info) for name in servers_of(info)}
        for name, process in started.items():
            wait_until_up(info, name, process)
    except BaseException:
        stop(folder)
        raise
    return info


def guard(folder, owner):
    """Holds the reservation of the ports; with an owner, stops the rig when that process is gone, however it went."""
    info = load(folder)
    if info["imap"] == "cyrus":
        cyrus.serve_sign_in(info)
    if not owner:
        signal.pause()
    try:
        import select
        select.select([os.pidfd_open(owner)], [], [])
    except ProcessLookupError:
        pass
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    stop(folder, guard_too=False)


def stop(folder, guard_too=True):
    """Ends all that was started; doing it twice is fine. Configuration, logs and mail stay for whoever wants to look."""
    try:
        info = load(folder)
    except RigError:
        return
    for name in ("postfix", "cyrus", "dovecot", "oauth") + (("guard",) if guard_too else ()):
        end_group(info, name)
