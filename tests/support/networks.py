"""Network namespaces as hosts of their own, and a port on which they reach a server's socket."""

import os
import select
import shutil
import socket
import subprocess
import threading
from contextlib import ExitStack, suppress

# Of this machine on the bridge between the hosts.
HERE = "10.77.0.1"
BRIDGE = "tcsns-test0"


def missing():
    """Why there can be no namespaces, or nothing."""
    if os.geteuid() != 0:
        return "network namespaces need root"
    if shutil.which("ip") is None:
        return "network namespaces need iproute2 (the command ip)"
    tried = subprocess.run(["ip", "netns", "add", "tcsns-try"], capture_output=True, check=False)
    subprocess.run(["ip", "netns", "del", "tcsns-try"], capture_output=True, check=False)
    return "" if tried.returncode == 0 else f"no network namespace: {tried.stderr.decode().strip()}"


class Hosts:
    """So many hosts on a bridge with this machine; all are gone when it is closed."""

    def __init__(self, count):
        self.names = [f"tcsns-host{number}" for number in range(count)]
        with ExitStack() as stack:
            ip("link", "add", BRIDGE, "type", "bridge")
            stack.callback(ip, "link", "del", BRIDGE)
            ip("addr", "add", f"{HERE}/24", "dev", BRIDGE)
            ip("link", "set", BRIDGE, "up")
            for number, name in enumerate(self.names):
                ip("netns", "add", name)
                stack.callback(ip, "netns", "del", name)
                outer = self.cable(name)
                ip("link", "add", outer, "type", "veth", "peer", "name", "eth0", "netns", name)
                # With its namespace it would go too, but some time later.
                stack.callback(ip, "link", "del", outer)
                ip("link", "set", outer, "master", BRIDGE, "up")
                ip("-n", name, "addr", "add", f"10.77.0.{number + 2}/24", "dev", "eth0")
                ip("-n", name, "link", "set", "eth0", "up")
                ip("-n", name, "link", "set", "lo", "up")
            self._stack = stack.pop_all()

    @staticmethod
    def cable(name):
        return f"tcsns-v{name[-1]}"

    def cut(self, name):
        ip("link", "set", self.cable(name), "down")

    def mend(self, name):
        ip("link", "set", self.cable(name), "up")

    def close(self):
        self._stack.close()


def ip(*arguments):
    subprocess.run(["ip", *arguments], check=True, capture_output=True)


class Relay:
    """A port of this machine behind which the socket of a server is; it notices lost clients."""

    def __init__(self, path):
        self._path = path
        self._listener = socket.create_server((HERE, 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        self._listener.close()

    def _accept(self):
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # as PostgreSQL does
                client.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
                for option, value in (("IDLE", 10), ("INTVL", 5), ("CNT", 4)):
                    client.setsockopt(
                        socket.IPPROTO_TCP, getattr(socket, f"TCP_KEEP{option}"), value
                    )
                server = socket.socket(socket.AF_UNIX)
                server.connect(self._path)
                threading.Thread(target=_pass_on, args=(client, server), daemon=True).start()


def _pass_on(client, server):
    with client, server, suppress(OSError):
        while True:
            for ready in select.select([client, server], [], [])[0]:
                data = ready.recv(65536)
                if not data:
                    return
                (server if ready is client else client).sendall(data)
