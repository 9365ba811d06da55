"""The servers under measurement: started, watched from /proc, stopped."""

import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time

TICKS = os.sysconf("SC_CLK_TCK")


def free_port():
    """A port below the ephemeral range, with room for the http port and the peer port above it."""
    while True:
        port = random.randrange(11000, 22000)
        with socket.socket() as client, socket.socket() as http, socket.socket() as peer:
            try:
                client.bind(("127.0.0.1", port))
                http.bind(("127.0.0.1", port + 2000))
                peer.bind(("127.0.0.1", port + 10000))
                return port
            except OSError:
                continue


class Client:
    """Commands sent one at a time; enough of RESP2 to read their replies."""

    def __init__(self, port, timeout=120.0):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.file = self.socket.makefile("rb")

    def call(self, *args):
        parts = [b"*%d\r\n" % len(args)]
        for arg in args:
            arg = arg if isinstance(arg, bytes) else str(arg).encode()
            parts.append(b"$%d\r\n%s\r\n" % (len(arg), arg))
        self.socket.sendall(b"".join(parts))
        return self.read()

    def read(self):
        line = self.file.readline()
        if not line:
            raise ConnectionError("closed")
        kind, text = line[:1], line[1:-2]
        if kind == b"$":
            return None if text == b"-1" else self.file.read(int(text) + 2)[:-2]
        if kind == b"*":
            return [self.read() for _ in range(int(text))]
        if kind == b"-":
            raise RuntimeError(text.decode(errors="replace"))
        return int(text) if kind == b":" else text

    def close(self):
        self.file.close()
        self.socket.close()


class Server:
    """A server process that can be stopped, killed and started again on its directory."""

    def __init__(self, name, command, drains=False, root=None):
        self.name, self.drains = name, drains
        self.directory = tempfile.mkdtemp(prefix="bench-", dir=root)
        self.port = free_port()
        self.command = [part.format(port=self.port, dir=self.directory) for part in command]
        self.process = None

    def start(self, seconds=120.0):
        """Starts it and returns the seconds until the first PONG."""
        output = open(os.path.join(self.directory, "output"), "ab")
        began = time.monotonic()
        self.process = subprocess.Popen(self.command, stdout=output, stderr=output,
                                        stdin=subprocess.DEVNULL, cwd=self.directory)
        output.close()
        while time.monotonic() - began < seconds:
            if self.process.poll() is not None:
                break
            try:
                client = Client(self.port, timeout=5.0)
                try:
                    if client.call("PING") == b"PONG":
                        return time.monotonic() - began
                except (RuntimeError, ConnectionError):
                    pass  # -LOADING: not yet.
                finally:
                    client.close()
            except OSError:
                pass
            time.sleep(0.002)
        with open(os.path.join(self.directory, "output"), "rb") as file:
            text = file.read()[-2000:].decode(errors="replace")
        self.close()
        raise RuntimeError("%s did not start: %s\n%s" % (self.name, " ".join(self.command), text))

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(120)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise RuntimeError("%s did not stop in 120 s" % self.name) from None

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def close(self):
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.directory, ignore_errors=True)

    def cpu_seconds(self):
        """User and system time of the process, all its threads, its children not."""
        with open("/proc/%d/stat" % self.process.pid) as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def rss_bytes(self):
        with open("/proc/%d/status" % self.process.pid) as file:
            for line in file:
                if line.startswith("VmRSS:"):
                    return int(line.split()[1]) * 1024
        return 0

    def disk_bytes(self):
        total = 0
        for folder, _, names in os.walk(self.directory):
            for name in names:
                try:
                    total += os.lstat(os.path.join(folder, name)).st_blocks * 512
                except OSError:
                    pass  # A compaction removed it meanwhile.
        return total

    def client(self):
        return Client(self.port)

    def drain(self, seconds=300.0):
        """Waits until nothing of the log is still to be put into the tree; the seconds it took.

        A server that drains in the background is asked how much is left, and whether it rewrites its
        tree on account of it; where it does not say, SAVE is the same promise.
        """
        if not self.drains:
            return 0.0
        began, client = time.monotonic(), self.client()
        try:
            while time.monotonic() - began < seconds:
                info = client.call("INFO", "dynamo")
                left = field(info, "log_undrained_bytes")
                if left is None:
                    client.call("SAVE")
                    break
                if int(left) == 0 and field(info, "tree_compacting") in (None, "0"):
                    break
                time.sleep(0.05)
            else:
                raise RuntimeError("%s did not drain in %d s" % (self.name, seconds))
        finally:
            client.close()
        return time.monotonic() - began


def field(info, name):
    for line in info.decode(errors="replace").splitlines():
        if line.startswith(name + ":"):
            return line[len(name) + 1:]
    return None


class Fleet:
    """Makes the servers of a run by name and stops them all at the end."""

    def __init__(self, options):
        self.options, self.servers = options, []

    def make(self, name, settings=()):
        root = self.options.directory
        if name in ("redis", "redis-everysec", "redis-always"):
            command = [self.options.redis, "--port", "{port}", "--dir", "{dir}", "--save", ""]
            if name == "redis":
                command += ["--appendonly", "no"]
            else:
                command += ["--appendonly", "yes", "--appendfsync", name.split("-")[1]]
            server = Server(name, command, root=root)
        elif name == "valkey":
            command = [self.options.valkey, "--port", "{port}", "--dir", "{dir}", "--save", ""]
            server = Server(name, command + ["--appendonly", "no"], root=root)
        else:
            server = self.ours(name, self.options.binary, settings, root)
        self.servers.append(server)
        return server

    def ours(self, name, binary, settings=(), root=None):
        """`memory`, `fjall-everysec`, `fjall-always`, `fjall-os`."""
        engine, _, durability = name.partition("-")
        command = [os.path.abspath(binary), "server", "--port", "{port}", "--data-dir", "{dir}/data",
                   "--set", "storage.engine=" + engine]
        if durability:
            command += ["--set", "storage.durability=" + durability]
        for setting in settings:
            command += ["--set", setting]
        return Server(name, command, drains=engine == "fjall", root=root)

    def close(self):
        for server in self.servers:
            server.close()
