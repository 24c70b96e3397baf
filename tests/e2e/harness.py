"""What every end-to-end test starts with: the rig of real servers, and host-stub with a home of its own."""
import imaplib
import json
import os
import re
import shutil
import signal
import socket
import sqlite3
import ssl
import subprocess
import sys
import tempfile
import time
import unittest

import leaks

SOURCE = os.environ.get("MAILROOM_SOURCE_DIR") or os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("MAILROOM_BUILD_DIR") or os.path.join(SOURCE, "build", "release")
STUB = os.path.join(BUILD, "bin", "host-stub")
RIG = os.path.join(SOURCE, "tests", "rig", "rig")
# A sanitizer build is several times slower; every wait is multiplied by this.
PATIENCE = 4 if os.path.basename(BUILD) in ("asan", "tsan") else 1


def wait_for(what, condition, seconds):
    """The first true value of condition(); fails by name after `seconds`."""
    until = time.monotonic() + seconds * PATIENCE
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > until:
            raise AssertionError(f"{what}: not within {seconds * PATIENCE} s")
        time.sleep(0.05)


class Rig:
    """A private Postfix and Dovecot (Cyrus where MAILROOM_IMAP says so), stopped with this process."""

    def __init__(self, *options):
        self.dir = tempfile.mkdtemp(prefix="rig", dir="/tmp")
        self.info = json.loads(self.run("start", "--owner", str(os.getpid()), *options))
        self.password = self.info["password"]
        self.cyrus = self.info["imap"] == "cyrus"

    def run(self, verb, *args, input=None):
        r = subprocess.run([sys.executable, RIG, verb, *args, "--dir", self.dir], capture_output=True, input=input)
        if r.returncode:
            raise RuntimeError(f"rig {verb}: {r.stderr.decode(errors='replace').strip()}")
        return r.stdout.decode()

    def deliver(self, to, **kw):
        args = [x for k, v in kw.items() for x in ("--" + k.replace("_", "-").replace("sender", "from"), str(v))]
        return json.loads(self.run("deliver", "--to", to, *args))

    def maildir(self, user, wait=None, timeout=30, folder="INBOX"):
        args = ["--user", user, "--folder", folder] + (["--wait", str(wait), "--timeout", str(timeout * PATIENCE)] if wait else [])
        return json.loads(self.run("maildir", *args))

    def imap(self, user):
        """A session as another mail program has it."""
        context = ssl.create_default_context(cafile=self.info["ca_file"])
        session = imaplib.IMAP4_SSL(self.info["host"], self.info["imap_tls_port"], ssl_context=context)
        session.login(user, self.password)
        return session

    def stop(self):
        self.run("stop")
        shutil.rmtree(self.dir, ignore_errors=True)

    def record(self, credential, email, **changes):
        """A credential record for `email` on this rig; changes: imap={...}, smtp={...}, or any other member."""
        ca = self.info["ca_file"]
        record = {"id": credential, "type": "mail", "email": email, "username": email, "authentication": "password", "ca_file": ca,
                  "imap": {"host": self.info["host"], "port": self.info["imap_tls_port"], "tls": "implicit"},
                  "smtp": {"host": self.info["host"], "port": self.info["smtp_tls_port"], "tls": "implicit"}}
        for key, value in changes.items():
            record[key] = {**record.get(key, {}), **value} if isinstance(value, dict) else value
        return record


def no_sanitizer_report(text, what):
    """A sanitizer build reports into the output; what it says is a failure of any test, whatever that test looked at."""
    for mark in ("ERROR: AddressSanitizer", "ERROR: LeakSanitizer", "WARNING: ThreadSanitizer", ": runtime error: "):
        at = text.find(mark)
        if at >= 0:
            raise AssertionError(f"{what}: {text[at:at + 4000]}")


class Host:
    """host-stub with a home of its own. At its end all that it wrote is searched for the secrets that it was given: what a command line names by --secret-file,
    what is sent over its socket, and what plant() is told."""
    alive = set()

    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="host", dir="/tmp")
        self.home = os.path.join(self.dir, "home")
        self.env = dict(os.environ)
        self.daemon = None
        self.written = []  # every output of every call, for those who look for secrets in it
        self.secrets = leaks.Search()
        self.inputs = set()  # files below self.dir that the test wrote, and where a secret may stand or that are merely large
        self.planted_later = {}  # of any name: a function that tells at the end which [(kind, secret)] there were, such as the tokens that a server gave out
        self.children = 0
        Host.alive.add(self)

    def plant(self, kind, secret):
        self.secrets.plant(kind, secret)

    def plant_from(self, args, input=None):
        """What a command line is given to keep secret."""
        for option, value in zip(args, args[1:]):
            field, _, path = value.partition("=")
            if option in ("--secret-file", "--secret") and path:
                secret = (input or "").encode() if option == "--secret" else b""
                if os.path.isfile(path):
                    self.inputs.add(os.path.abspath(path))
                    with open(path, "rb") as f:
                        secret = f.read(1 << 20)
                if secret.strip():
                    self.plant(field, secret)

    def run(self, *args, input=None, timeout=60, env=None, stub=STUB):
        self.plant_from(args, input)
        r = subprocess.run([stub, *args, "--home", self.home], capture_output=True, input=input.encode() if input else None,
                           stdin=subprocess.DEVNULL if input is None else None, timeout=timeout * PATIENCE, env={**self.env, **(env or {})})
        r.stdout, r.stderr = r.stdout.decode(errors="replace"), r.stderr.decode(errors="replace")
        self.written += [r.stdout, r.stderr]
        no_sanitizer_report(r.stderr, "host-stub " + " ".join(args))
        return r

    def popen(self, *args, stub=STUB, env=None, **kw):
        """A process beside the test. Output that goes to no pipe lies in a file beside the home; what a pipe gives belongs into self.written."""
        self.plant_from(args)
        self.children += 1
        with open(os.path.join(self.dir, f"said-{self.children}"), "ab") as said:
            return subprocess.Popen([stub, *args, "--home", self.home], **{"stdin": subprocess.DEVNULL, "stdout": said, "stderr": said, **kw},
                                    env={**self.env, **(env or {})})

    def ok(self, *args, **kw):
        r = self.run(*args, **kw)
        if r.returncode:
            raise AssertionError(f"host-stub {' '.join(args)}: exit {r.returncode}: {r.stderr.strip()} {r.stdout.strip()}")
        return r.stdout

    def json(self, *args, **kw):
        return json.loads(self.ok(*args, "--json", **kw))

    def call(self, tool, arguments, **kw):
        """The tool result's structuredContent; fails if the tool did."""
        return self.json("call", tool, json.dumps(arguments), **kw)["structuredContent"]

    def over_socket(self, argv, document, secrets=None, timeout=60):
        """What the host that runs answers to a command line, without a process for it: its exit status, its output and what it says on stderr."""
        for field, secret in (secrets or {}).items():
            self.plant(field, secret)
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(timeout * PATIENCE)
            s.connect(os.path.join(self.home, "socket"))
            s.sendall(json.dumps({"argv": [*argv, "--home", self.home], "cwd": "/", "terminal": False, "document": json.dumps(document),
                                  **({"secrets": secrets} if secrets else {})}).encode() + b"\n")
            out, err = "", ""
            for line in s.makefile():
                message = json.loads(line)
                out += message.get("out", "")
                err += message.get("err", "")
                if "exit" in message:
                    self.written += [out, err]
                    return message["exit"], out, err
            self.written += [out, err]
        return None, out, err

    def quick_call(self, tool, arguments, timeout=60):
        """The tool result over the socket; None where the call was refused before the tool."""
        try:
            return json.loads(self.over_socket(["call", tool, json.dumps(arguments), "--json"], arguments, timeout=timeout)[1])
        except ValueError:
            return None

    def add_credential(self, record, secret=None, files=None):
        """secret: the password; files: what other secret fields hold, by the path of a file."""
        path = os.path.join(self.dir, record["id"] + ".json")
        with open(path, "w") as f:
            json.dump(record, f)
        files = dict(files or {})
        if secret is not None:
            files["password"] = path + ".secret"
            with open(path + ".secret", "w") as f:
                f.write(secret)
        return self.ok("credential", "add", "--file", path, *(x for field, file in files.items() for x in ("--secret-file", f"{field}={file}")))

    def write(self, name, text):
        path = os.path.join(self.dir, name)
        with open(path, "w") as f:
            f.write(text)
        return path

    def start(self, *args, env=None, wait=True, limits=None):
        """limits: called in the process before it becomes the host."""
        self.log = open(os.path.join(self.dir, "daemon.log"), "ab")
        seen = os.path.getsize(self.log.name)
        self.daemon = subprocess.Popen([STUB, "run", *args, "--home", self.home], stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log,
                                       env={**self.env, **(env or {})}, preexec_fn=limits)
        if wait:
            def ready():
                if self.daemon.poll() is not None:
                    raise AssertionError(f"host-stub run ended with {self.daemon.returncode}: {self.log_text()[-2000:]}")
                with open(self.log.name, "rb") as f:
                    f.seek(seen)  # not the word of a host that was killed before, whose socket lies there still
                    return os.path.exists(os.path.join(self.home, "socket")) and b"ready:" in f.read()
            wait_for("host-stub run is ready", ready, 20)

    def rows(self, sql, values=()):
        """What a query of the host's store gives; also while the host runs."""
        db = sqlite3.connect(f"file:{self.home}/host.db?mode=ro", uri=True, timeout=30)
        try:
            return db.execute(sql, values).fetchall()
        finally:
            db.close()

    def log_text(self):
        with open(os.path.join(self.dir, "daemon.log"), errors="replace") as f:
            return f.read()

    def kill(self):
        self.daemon.send_signal(signal.SIGKILL)
        self.daemon.wait()
        self.daemon = None

    def stop(self):
        """SIGTERM, and the exit status."""
        self.daemon.send_signal(signal.SIGTERM)
        status = self.daemon.wait(timeout=40 * PATIENCE)
        self.daemon = None
        return status

    def close(self):
        if self.daemon:
            self.daemon.kill()
            self.daemon.wait()
        said = self.log_text() if os.path.exists(os.path.join(self.dir, "daemon.log")) else ""
        try:
            no_sanitizer_report(said, "host-stub run")
            self.search()
        finally:
            shutil.rmtree(self.dir, ignore_errors=True)

    def search(self):
        """Fails where a planted secret stands in what the host wrote."""
        Host.alive.discard(self)
        for later in self.planted_later.values():
            for kind, secret in later():
                self.plant(kind, secret)
        self.secrets.look("what was printed", (text.encode(errors="replace") + b"\0" for text in self.written))
        self.secrets.folder(self.dir, lambda path: path in self.inputs or ".secret" in os.path.relpath(path, self.dir))
        self.secrets.verdict("host-stub")

    def files(self):
        """Every file below the home, as bytes, by path: for those who look for secrets."""
        found = {}
        for folder, _, names in os.walk(self.dir):
            for name in names:
                path = os.path.join(folder, name)
                if os.path.isfile(path) and not path.endswith(".secret"):
                    with open(path, "rb") as f:
                        found[path] = f.read()
        return found


class RigTest(unittest.TestCase):
    """One rig for all tests of a class, one host for each test."""
    options = ()

    @classmethod
    def setUpClass(cls):
        cls.rig = Rig(*cls.options)

    @classmethod
    def tearDownClass(cls):
        cls.rig.stop()

    def setUp(self):
        self.host = Host()
        self.host.plant("the rig's password", self.rig.password)
        self.addCleanup(self.host.close)


def play(test, seed):
    """Plays and closes a test that is a program of its own, and says how it went; its exit status. What close() finds counts."""
    try:
        try:
            test.play()
        finally:
            test.close()
    except (AssertionError, RuntimeError) as e:
        print(f"{leaks.summary()}\nseed {seed}: {e}\n0 passed, 1 failed")
        return 1
    print(f"{leaks.summary()}\n1 passed, 0 failed")
    return 0


def main():
    """Runs the calling script's tests; the closing line is the plain one."""
    result = unittest.TextTestRunner(stream=sys.stdout, verbosity=2).run(unittest.defaultTestLoader.loadTestsFromModule(sys.modules["__main__"]))
    bad = len(result.failures) + len(result.errors)
    if Host.alive:
        print(f"{len(Host.alive)} hosts were not closed, so nobody looked for secrets in what they wrote")
        bad += 1
    print(leaks.summary())
    print(f"{result.testsRun - bad} passed, {bad} failed")
    sys.exit(1 if bad or not result.testsRun else 0)
