#!/usr/bin/env python3
"""An agent as a host starts it: speaks MCP over its standard streams, without a library.

  agent.py BEHAVIOUR [ARGUMENT...]

Each function below that is no helper is a behaviour, good or bad.
"""
import json
import os
import signal
import socket
import sys
import time

NEWEST = "2025-11-25"


class Host:
    """The host as its client sees it."""

    def __init__(self):
        self.n = 0

    def write(self, message):
        sys.stdout.write(message if isinstance(message, str) else json.dumps(message) + "\n")
        sys.stdout.flush()

    def send(self, method, params=None):
        self.n += 1
        self.write({"jsonrpc": "2.0", "id": self.n, "method": method, "params": params or {}})
        return self.n

    def notify(self, method, params=None):
        self.write({"jsonrpc": "2.0", "method": method, "params": params or {}})

    def read(self):
        line = sys.stdin.readline()
        if not line:
            sys.exit("the host has hung up")
        return json.loads(line)

    def ask(self, method, params=None):
        """The whole answer, an error included."""
        id = self.send(method, params)
        while True:
            answer = self.read()
            if answer.get("id") == id:
                return answer

    def result(self, method, params=None):
        answer = self.ask(method, params)
        if "result" not in answer:
            sys.exit(f"{method}: {answer['error']['message']}")
        return answer["result"]

    def hello(self, version=NEWEST):
        result = self.result("initialize", {"protocolVersion": version, "capabilities": {}, "clientInfo": {"name": "agent.py", "version": "1"}})
        self.notify("notifications/initialized")
        return result

    def input(self):
        return json.loads(self.result("resources/read", {"uri": "session://input"})["contents"][0]["text"])

    def tools(self):
        names, cursor = [], None
        while True:
            page = self.result("tools/list", {"cursor": cursor} if cursor else {})
            names += [t["name"] for t in page["tools"]]
            cursor = page.get("nextCursor")
            if not cursor:
                return names

    def call(self, tool, arguments=None, **more):
        return self.result("tools/call", {"name": tool, "arguments": arguments or {}, **more})

    def finish(self, text="done", **more):
        return self.call("session_finish", {"output_text": text, **more})


host = Host()


def forever():
    while True:
        signal.pause()


def leave_pid(file):
    if file:
        with open(file + ".new", "w") as f:
            f.write(str(os.getpid()))
        os.rename(file + ".new", file)


# --- good ones

def finishes(text="done"):
    """Says what it was given: tools, input, environment, descriptors."""
    hello = host.hello()
    fds = sorted(int(n) for n in os.listdir("/proc/self/fd"))
    host.finish(text, output_html=json.dumps({"tools": host.tools(), "input": host.input(), "environment": dict(os.environ), "fds": fds,
                                              "cwd": os.getcwd(), "group": os.getpgrp() == os.getpid(), "version": hello["protocolVersion"]}))


def calls(*tools):
    """Calls each tool with {"n": its number}, then finishes with what they answered."""
    host.hello()
    host.finish(json.dumps([host.call(tool, {"n": n}) for n, tool in enumerate(tools)]))


def calls_with(tool, arguments):
    host.hello()
    host.finish(json.dumps(host.call(tool, json.loads(arguments))))


def without_handshake():
    meta = {"_meta": {"io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {}}}
    found = host.result("server/discover", meta)
    host.result("tools/call", {"name": "session_finish", "arguments": {"output_text": found["supportedVersions"][0]}, **meta})


def repeats(tool):
    """The same call until it is not an error."""
    host.hello()
    while host.call(tool, {"n": 1}).get("isError"):
        pass
    host.finish()


def words_it_anew(tool, file):
    """Sends once, worded anew at each start, as a model would."""
    host.hello()
    with open(file, "a") as f:
        f.write("x")
    n = os.path.getsize(file)
    first = host.call(tool, {"text": f"wording {n}"})
    before = host.input()["done_before"]
    if first.get("isError") and before:
        host.call(tool, before[0]["arguments"])
    host.finish(json.dumps(first))


def cancels(tool):
    host.hello()
    id = host.send("tools/call", {"name": tool, "arguments": {}})
    host.ask("ping")
    host.notify("notifications/cancelled", {"requestId": id})
    host.finish()


def cancels_and_reuses_the_id(tool):
    host.hello()
    call = {"jsonrpc": "2.0", "id": "twin", "method": "tools/call", "params": {"name": tool, "arguments": {"n": 0}}}
    host.write(call)
    host.ask("ping")
    call["params"]["arguments"]["n"] = 1
    cancel = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": "twin"}}
    host.write(json.dumps(cancel) + "\n" + json.dumps(call) + "\n")
    host.finish(json.dumps(host.read()))


def at_once(tool, count):
    """Writes everything and reads nothing, then ends."""
    host.send("initialize", {"protocolVersion": NEWEST, "capabilities": {}})
    for n in range(int(count)):
        host.send("tools/call", {"name": tool, "arguments": {"n": n}})
    host.send("tools/call", {"name": "session_finish", "arguments": {"output_text": "blind"}})


def lingers(file=None):
    """Does not end when it is done."""
    host.hello()
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    host.finish()
    leave_pid(file)
    forever()


def hands_its_output_on(path):
    """Ends, and a process that it did not start keeps its standard output."""
    host.hello()
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(path)
        socket.send_fds(s, [b"x"], [1])
        s.recv(1)  # until it is taken: the other side closes
    host.finish()


# --- bad ones

def exits(status, words=""):
    host.hello()
    print(words, file=sys.stderr)
    sys.exit(int(status))


def tells(name, count=1):
    """The value of a variable, so and so often, as its last words."""
    print(os.environ[name] * int(count), file=sys.stderr)
    sys.exit(3)


def finishes_and_exits(status):
    host.hello()
    host.finish()
    sys.exit(int(status))


def hangs(file=None):
    host.hello()
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    leave_pid(file)
    forever()


def floods():
    host.hello()
    while True:
        host.write(json.dumps({"jsonrpc": "2.0", "method": "notifications/progress", "params": {"text": "x" * 50000}}) + "\n")


def floods_errors():
    while True:
        os.write(2, b"x" * 65536)


def endless_line():
    while True:
        os.write(1, b"[" * 65536)


def notifies():
    host.hello()
    while True:
        host.notify("notifications/progress")


def broken_json(text="{\"jsonrpc\": "):
    host.hello()
    host.write(text + "\n")
    forever()


def half_a_line():
    host.hello()
    host.write("{\"jsonrpc\": \"2.0\"")


def zeros():
    os.write(1, b"\0" * 100 + b"\n")
    forever()


def deep():
    host.hello()
    host.write("[" * 100000 + "\n")
    forever()


def not_granted(tool, arguments="{}"):
    host.hello()
    host.ask("tools/call", {"name": tool, "arguments": json.loads(arguments)})
    host.finish("it went on")


def kills_its_guard():
    host.hello()
    os.kill(os.getppid(), signal.SIGKILL)
    forever()


def freezes_its_guard():
    host.hello()
    os.kill(os.getppid(), signal.SIGSTOP)
    forever()


def freezes():
    host.hello()
    os.kill(os.getpid(), signal.SIGSTOP)
    forever()


def closes_output():
    host.hello()
    os.close(1)
    forever()


def reads_nothing(tool):
    """Asks on and on, and never looks at an answer."""
    host.send("initialize", {"protocolVersion": NEWEST, "capabilities": {}})
    while True:
        host.send("resources/read", {"uri": "session://input"})


def asks_without_reading(count):
    """All at once, so that the host has many whole lines in hand."""
    host.send("initialize", {"protocolVersion": NEWEST, "capabilities": {}})
    ask = {"jsonrpc": "2.0", "id": 1, "method": "resources/read", "params": {"uri": "session://input"}}
    host.write((json.dumps(ask) + "\n") * int(count))
    forever()


def leaves_a_daemon(file):
    """A process of its own session, which its parent's end does not end."""
    host.hello()
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            with open(file + ".new", "w") as f:
                f.write(str(os.getpid()))
            os.rename(file + ".new", file)
            forever()
        os._exit(0)
    while not os.path.exists(file):
        time.sleep(0.01)
    host.finish()


def reports_tokens(count):
    host.hello()
    host.ask("ping", {"_meta": {"aoh/tokens": int(count)}})
    host.finish(tokens=int(count))


def after_the_end(tool):
    host.hello()
    calls = [{"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": {"name": name, "arguments": {}}}
             for id, name in (("end", "session_finish"), ("late", tool))]
    host.write("".join(json.dumps(c) + "\n" for c in calls))
    answers = {answer["id"]: answer for answer in (host.read(), host.read())}
    if "error" not in answers["late"]:
        sys.exit("a call after the end was made")


def same_id_twice(tool):
    host.hello()
    call = {"jsonrpc": "2.0", "id": "twin", "method": "tools/call", "params": {"name": tool, "arguments": {}}}
    host.write(json.dumps(call) + "\n" + json.dumps(call) + "\n")
    answers = [host.read(), host.read()]
    # Given up before it is begun, and the id taken for another: that one is answered, once.
    cancel = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": "twin"}}
    host.write("".join(json.dumps(m) + "\n" for m in (call, cancel, call)))
    answers.append(host.read())
    host.finish(json.dumps(["error" if "error" in a else "result" for a in answers]))


def mistaken(tool):
    """The same call twice, with an argument that the tool does not have."""
    host.hello()
    host.finish(json.dumps([host.call(tool, {"no_such_argument": 1}).get("isError") for _ in range(2)]))


def waits_for_leave(folder):
    """Says how many were at work with it, itself included; ends when there is a file `leave`."""
    mine = os.path.join(folder, f"{os.getpid()}.works")
    host.hello()
    with open(mine, "w"):
        pass
    count = 0
    while not os.path.exists(os.path.join(folder, "leave")):
        count = max(count, sum(name.endswith(".works") for name in os.listdir(folder)))
        time.sleep(0.01)
    os.rename(mine, mine.removesuffix("works") + "worked")
    host.finish(str(count))


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
