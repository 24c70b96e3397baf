"""A pseudo-terminal for a program under test, also in a root where nobody made /dev/ptmx."""
import fcntl
import os
import struct
import subprocess
import tempfile


def open_terminal(test):
    """Both ends of a pseudo-terminal; what it needs beside them goes when `test` is over."""
    try:
        return os.openpty()
    except OSError:
        folder = tempfile.mkdtemp(prefix="pts", dir="/tmp")
        subprocess.run(["mount", "-t", "devpts", "-o", "newinstance,ptmxmode=0666", "devpts", folder], check=True)
        test.addCleanup(subprocess.run, f"umount -l {folder} && rmdir {folder}", shell=True, check=True)
        master = os.open(f"{folder}/ptmx", os.O_RDWR | os.O_NOCTTY)
        # TIOCSPTLCK and TIOCGPTN, which Python does not name: unlock the other end, and its number.
        fcntl.ioctl(master, 0x40045431, struct.pack("i", 0))
        [number] = struct.unpack("I", fcntl.ioctl(master, 0x80045430, b"\0" * 4))
        return master, os.open(f"{folder}/{number}", os.O_RDWR | os.O_NOCTTY)


def start_at_terminal(test, command, env=None):
    """The process of `command` with a terminal as its controlling one, and our end of that; the caller waits for it and closes it."""
    ours, theirs = open_terminal(test)
    pid = os.fork()
    if pid == 0:
        os.login_tty(theirs)
        os.execve(command[0], command, {**os.environ, **(env or {})})
    os.close(theirs)
    return pid, ours
