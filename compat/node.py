"""A server process under test: a dynamo node, or redis-server and valkey-server as the yardstick.

A node listens on its port, port + 2000 and port + 10000. Ports are taken below the range that the
kernel hands out to clients, so that the suites' own connections cannot take them first.
"""

import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

START_TIMEOUT_S = 30
STOP_TIMEOUT_S = 20
PORT_RANGE = (10_000, 20_000)
COMPANION_PORTS = (0, 2_000, 10_000)
LOG_TAIL_LINES = 60


class NodeFailed(Exception):
    """The server did not start, or is gone."""


def free_port():
    for _ in range(200):
        port = random.randint(*PORT_RANGE)
        if all(is_free(port + offset) for offset in COMPANION_PORTS):
            return port
    raise NodeFailed("no free port found")


def is_free(port):
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def ask(port, *words, host="127.0.0.1", timeout=10):
    """Sends one command and returns the raw reply as far as one read gives it."""
    request = b"*%d\r\n" % len(words)
    for word in words:
        word = word.encode()
        request += b"$%d\r\n%s\r\n" % (len(word), word)
    with socket.create_connection((host, port), timeout=timeout) as connection:
        connection.sendall(request)
        reply = connection.recv(65536)
        if reply.startswith(b"$") and not reply.startswith(b"$-1"):
            head, _, body = reply.partition(b"\r\n")
            while len(body) < int(head[1:]):
                more = connection.recv(65536)
                if not more:
                    break
                body += more
            return body
        return reply


def server_kind(port, host="127.0.0.1"):
    """`dynamo` or `redis`, from what the server says of itself."""
    info = ask(port, "INFO", "server", host=host)
    return "dynamo" if b"server_name:dynamo" in info else "redis"


class Node:
    """A server started on a free port with a data directory of its own, removed with it."""

    def __init__(self, binary, engine="memory", keep=False):
        self.binary, self.engine, self.keep = str(binary), engine, keep
        self.port = free_port()
        self.directory = Path(tempfile.mkdtemp(prefix="dynamo-compat-"))
        self.log = self.directory / "node.log"
        self.process = None

    def command(self):
        data = self.directory / "data"
        data.mkdir(exist_ok=True)
        name = Path(self.binary).name
        if name in ("redis-server", "valkey-server"):
            return [
                self.binary, "--port", str(self.port), "--bind", "127.0.0.1",
                "--dir", str(data), "--save", "", "--appendonly", "no",
            ]  # fmt: skip
        return [
            self.binary, "server", "--port", str(self.port), "--data-dir", str(data),
            "--set", f"storage.engine={self.engine}",
        ]  # fmt: skip

    def start(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                self.command(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.directory,
                start_new_session=True,
            )
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise NodeFailed(f"the server exited with {self.process.returncode}")
            try:
                if ask(self.port, "PING", timeout=2).startswith(b"+PONG"):
                    return self
            except OSError:
                pass
            time.sleep(0.05)
        raise NodeFailed(f"the server did not answer PING within {START_TIMEOUT_S} s")

    def alive(self):
        if self.process is None or self.process.poll() is not None:
            return False
        try:
            return ask(self.port, "PING").startswith(b"+PONG")
        except OSError:
            return False

    def stop(self):
        """Ends the process, politely first, and removes its directory."""
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()
        if not self.keep:
            shutil.rmtree(self.directory, ignore_errors=True)

    def log_tail(self):
        try:
            lines = self.log.read_text(errors="replace").splitlines()
        except OSError as failure:
            return str(failure)
        return "\n".join(lines[-LOG_TAIL_LINES:])
