"""Starting and stopping the servers under comparison."""

import os
import random
import shutil
import socket
import subprocess
import tempfile
import time

from resp import Connection


def free_port():
    """A port below the ephemeral range, with room for the peer port 10000 above it."""
    while True:
        port = random.randrange(11000, 22000)
        with socket.socket() as client, socket.socket() as peer:
            try:
                client.bind(("127.0.0.1", port))
                peer.bind(("127.0.0.1", port + 10000))
                return port
            except OSError:
                continue


class Server:
    """One process with a directory of its own; both go on close."""

    def __init__(self, command, port, directory):
        self.port = port
        self.directory = directory
        self.log = open(os.path.join(directory, "output"), "wb")
        self.process = subprocess.Popen(
            command, stdout=self.log, stderr=self.log, stdin=subprocess.DEVNULL, cwd=directory
        )

    def wait_ready(self, seconds=20.0):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                break
            try:
                connection = Connection(self.port, timeout=1.0)
                reply = connection.call("PING")
                connection.close()
                if reply == b"+PONG\r\n":
                    return self
            except OSError:
                pass
            time.sleep(0.02)
        with open(os.path.join(self.directory, "output"), "rb") as output:
            text = output.read()[-2000:].decode(errors="replace")
        self.close()
        raise RuntimeError("the server did not answer PING:\n" + text)

    def close(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.log.close()
        shutil.rmtree(self.directory, ignore_errors=True)


def start_oracle(binary, settings=()):
    """A Redis of the oracle's version, without persistence."""
    port, directory = free_port(), tempfile.mkdtemp(prefix="differential-")
    program = shutil.which(binary) or binary
    command = [os.path.abspath(program), "--port", str(port), "--dir", directory]
    command += ["--save", "", "--appendonly", "no"]
    return Server(command + list(settings), port, directory).wait_ready()


def start_ours(binary, engine="memory", settings=()):
    port, directory = free_port(), tempfile.mkdtemp(prefix="differential-")
    command = [os.path.abspath(binary), "server", "--port", str(port)]
    command += ["--data-dir", os.path.join(directory, "data")]
    command += ["--set", "storage.engine=" + engine, "--set", "http.enabled=false"]
    for setting in settings:
        command += ["--set", setting]
    return Server(command, port, directory).wait_ready()
