"""What the soak breaks: a network namespace for the host, the servers, the mailbox, the host itself."""
import ctypes
import imaplib
import mmap
import os
import signal
import struct
import subprocess
import time


def sh(command, check=True):
    done = subprocess.run(command, shell=True, capture_output=True, text=True)
    if check and done.returncode:
        raise RuntimeError(f"{command}: {done.stderr.strip()}")
    return done


class Network:
    """A namespace in which 127.0.0.1 is the other end of a wire, so that the rig on loopback can be cut off as a server elsewhere is: a
    packet into the void, no FIN, no RST."""

    def __init__(self):
        n = os.getpid()
        self.name, self.outer, self.inner = f"soak{n}", f"so{n}", f"si{n}"
        self.net = f"10.{200 + n // 16384 % 50}.{n // 64 % 256}.{n % 64 * 4}"
        base, last = self.net.rsplit(".", 1)
        self.us, self.them = f"{base}.{int(last) + 1}", f"{base}.{int(last) + 2}"
        sh(f"ip netns add {self.name} && ip link add {self.outer} type veth peer name {self.inner} netns {self.name}")
        sh(f"ip addr add {self.us}/30 dev {self.outer} && ip link set {self.outer} up && echo 1 >/proc/sys/net/ipv4/conf/{self.outer}/route_localnet")
        self.inside(f"echo 1 >/proc/sys/net/ipv4/conf/all/route_localnet; echo 1 >/proc/sys/net/ipv4/conf/{self.inner}/route_localnet; "
                    f"ip link set lo up; ip addr del 127.0.0.1/8 dev lo; ip addr add {self.them}/30 dev {self.inner}; ip link set {self.inner} up; "
                    f"ip route add 127.0.0.1/32 via {self.us} src {self.them}")

    def inside(self, command):
        return sh(f"ip netns exec {self.name} sh -ec '{command}'")

    def enter(self):
        """For a process of ours before it becomes the program."""
        with open(f"/run/netns/{self.name}") as f:
            if ctypes.CDLL(None, use_errno=True).setns(f.fileno(), 0x40000000):  # CLONE_NEWNET
                raise OSError(ctypes.get_errno(), "setns")

    def cut(self):
        sh(f"ip route replace blackhole {self.them}/32")

    def mend(self):
        sh(f"ip route del blackhole {self.them}/32", check=False)

    def close(self):
        self.mend()
        sh(f"ip netns del {self.name}; ip link del {self.outer}", check=False)


class Clock:
    """The host's wall clock, as somebody sets it while it runs and between its runs (soak/clock.c)."""

    def __init__(self, host, library):
        path = os.path.join(host.dir, "clock-offset")
        with open(path, "wb") as f:
            f.write(bytes(8))
        with open(path, "r+b") as f:
            self.offset = mmap.mmap(f.fileno(), 8)
        self.env = {"LD_PRELOAD": library, "CLOCK_OFFSET": path}

    def set(self, seconds):
        """So far ahead of the true time: the servers' certificates are as old as the test, and good for a month."""
        self.offset[:] = struct.pack("=q", int(seconds * 1e9))


class Churner:
    """Another mail program on the same mailbox: flags, mail of its own, and what is answered goes to another folder."""

    def __init__(self, rig, user, dice):
        self.rig, self.user, self.dice, self.done = rig, user, dice, 0

    def once(self, answered):
        try:
            with self.rig.imap(self.user) as imap:
                imap.create("Done")
                imap.select("INBOX")
                uids = imap.uid("SEARCH", None, "ALL")[1][0].split()
                for uid in self.dice.sample(uids, min(5, len(uids))):
                    imap.uid("STORE", uid, self.dice.choice(["+FLAGS", "-FLAGS"]), self.dice.choice([r"(\Flagged)", r"(\Seen)", "(seen-by-ada)"]))
                imap.append("Done", None, None, b"Subject: a note\r\n\r\nof our own\r\n")
                for uid in self.dice.sample(uids, min(10, len(uids))):
                    data = imap.uid("FETCH", uid, "(BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)])")[1]
                    head = next((part[1].decode() for part in data if isinstance(part, tuple)), "")
                    if any(id in head for id in answered):
                        imap.uid("MOVE", uid, "Done")
                self.done += 1
        except (OSError, imaplib.IMAP4.error):
            pass  # the server is down: so it is for every mail program


def renumber(rig, user):
    """The mailbox as a restored backup has it: the same messages under another UIDVALIDITY."""
    return sh(f"doveadm -c {rig.dir}/dovecot/dovecot.conf mailbox update -u {user} --uid-validity {int(time.time())} INBOX", check=False).returncode == 0


def suspend(pid, seconds):
    os.kill(pid, signal.SIGSTOP)
    time.sleep(seconds)
    os.kill(pid, signal.SIGCONT)
