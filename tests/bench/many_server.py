#!/usr/bin/env python3
"""The scripted IMAP server of the tests over TLS, with thousands of mailboxes and connections: one thread, no buffer that an idle client does not need.

  many_server.py N     mailboxes INBOX, box1 ... box(N-1); prints {"port", "ca_file"}; "deliver NAME" on standard input puts a message in; ends with its input
"""
import json
import os
import resource
import select
import socket
import ssl
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../e2e"))
from imap_script import Box, Connection, ImapScript, message
from scripted_tls import Certificate


class Peer:
    """A client's connection, as imap_script's Connection wants one."""

    def __init__(self, server, sock):
        self.server, self.sock, self.out, self.rest = server, sock, b"", b""
        self.shaken, self.here = False, None

    def sendall(self, data):
        self.out += data
        self.flush()

    def shutdown(self, how):
        self.sock.shutdown(how)

    def flush(self):
        while self.out:
            try:
                self.out = self.out[self.sock.send(self.out):]
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
                return

    def ready(self):
        """What the client sent; False at the end."""
        try:
            if not self.shaken:
                self.sock.do_handshake()
                self.shaken, self.here = True, Connection(self.server, self)
                self.server.connections.append(self.here)
                self.here.say(f"* OK [CAPABILITY {self.server.capabilities} {self.server.auth}] hello")
            self.flush()
            while data := self.sock.recv(4096):
                *lines, self.rest = (self.rest + data).split(b"\r\n")
                for line in lines:
                    self.here.take(line.decode())
                if not self.here.open:
                    return False
            return False
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return True
        except OSError:
            return False


def main():
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    certificate = Certificate()
    server = ImapScript.__new__(ImapScript)
    server.set_up("IMAP4rev1 IDLE")
    server.boxes.update((f"box{i}", Box(100 + i)) for i in range(1, int(sys.argv[1])))
    listener = socket.create_server(("127.0.0.1", 0), backlog=4096)
    listener.setblocking(False)
    poll, peers, delivered = select.epoll(), {}, 0
    poll.register(listener.fileno(), select.EPOLLIN)
    poll.register(0, select.EPOLLIN)
    print(json.dumps({"port": listener.getsockname()[1], "ca_file": certificate.ca_file}), flush=True)
    try:
        while True:
            for fd, event in poll.poll():
                if fd == 0:
                    words = os.read(0, 4096).decode().split()
                    if not words:
                        return
                    for name in words[1::2]:
                        delivered += 1
                        server.deliver(name, message(f"delivered {delivered}", delivered))
                elif fd == listener.fileno():
                    try:
                        sock = listener.accept()[0]
                    except BlockingIOError:
                        continue
                    sock.setblocking(False)
                    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    tls = certificate.context.wrap_socket(sock, server_side=True, do_handshake_on_connect=False)
                    peers[tls.fileno()] = Peer(server, tls)
                    poll.register(tls.fileno(), select.EPOLLIN)
                elif not peers[fd].ready():
                    poll.unregister(fd)
                    peer = peers.pop(fd)
                    if peer.here:
                        server.connections.remove(peer.here)
                    peer.sock.close()
                elif peers[fd].out:
                    poll.modify(fd, select.EPOLLIN | select.EPOLLOUT)
                elif event & select.EPOLLOUT:
                    poll.modify(fd, select.EPOLLIN)
    finally:
        certificate.close()


if __name__ == "__main__":
    main()
