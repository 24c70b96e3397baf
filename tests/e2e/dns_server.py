"""A private DNS server (dnsmasq) on loopback, for tests that look things up."""
import os
import shutil
import socket
import subprocess
import tempfile
import time


def free_udp_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Dns:
    """dnsmasq in the foreground; what it does not know under .example does not exist, .servfail.test is asked of a port that refuses.
    records: lines of its configuration; texts: (name, text) of TXT records, split into strings of 255 bytes."""

    def __init__(self, records, texts=()):
        self.dir = tempfile.mkdtemp(prefix="dns", dir="/tmp")
        for _ in range(20):  # another process may take the port in between
            self.port, closed = free_udp_port(), free_udp_port()
            def strings(text):
                return ",".join(f'"{text[i:i + 255]}"' for i in range(0, len(text), 255))
            conf = ["no-resolv", "no-hosts", "no-daemon", "bind-interfaces", "listen-address=127.0.0.1", f"port={self.port}", "local=/example/",
                    "local=/in-addr.arpa/", f"server=/servfail.test/127.0.0.1#{closed}", "user=root", "edns-packet-max=1232"]
            conf += [f"txt-record={name},{strings(text)}" for name, text in texts]
            for r in records:
                name, value = r.split(",", 1)
                conf.append(f'{name},"{value}"' if name.startswith("txt-record") else r)
            path = os.path.join(self.dir, "dnsmasq.conf")
            with open(path, "w") as f:
                f.write("\n".join(conf) + "\n")
            self.log = open(os.path.join(self.dir, "log"), "wb")
            self.process = subprocess.Popen(["/usr/sbin/dnsmasq", "-C", path, "--pid-file=" + os.path.join(self.dir, "pid")],
                                            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
            if self.ready():
                return
            self.process.wait()
        with open(self.log.name, errors="replace") as f:
            raise RuntimeError("dnsmasq does not start: " + f.read()[-500:])

    def ready(self):
        for _ in range(200):
            if self.process.poll() is not None:
                return False
            with socket.socket() as s:
                if s.connect_ex(("127.0.0.1", self.port)) == 0:
                    return True
            time.sleep(0.05)
        return False

    def stop(self):
        self.process.terminate()
        self.process.wait()
        self.log.close()
        shutil.rmtree(self.dir, ignore_errors=True)
