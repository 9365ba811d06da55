"""Load: a million keys put in, redis-benchmark run for a time, its figures read."""

import csv
import io
import random
import subprocess
import threading
import time

VALUE_BYTES = 64
CONNECTIONS = 50
KEY = b"key:%012d"  # 16 bytes, as redis-benchmark makes them.


def fill(server, keys, generation=0, batch=2000):
    """Sets every key once, in an order without locality, to bytes that do not compress."""
    client = server.client()
    head = b"*3\r\n$3\r\nSET\r\n$16\r\n"
    bytes_of = random.Random(generation)
    tails = [b"\r\n$%d\r\n%s\r\n" % (VALUE_BYTES, bytes_of.randbytes(VALUE_BYTES)) for _ in range(8191)]
    step = coprime_step(keys)
    position = 0
    try:
        for start in range(0, keys, batch):
            count = min(batch, keys - start)
            parts = []
            for _ in range(count):
                parts.append(head + KEY % position + tails[position % 8191])
                position = (position + step) % keys
            client.socket.sendall(b"".join(parts))
            for _ in range(count):
                line = client.file.readline()
                if line != b"+OK\r\n":
                    raise RuntimeError("%s: SET answered %r" % (server.name, line))
    finally:
        client.close()


def coprime_step(keys):
    """A stride that visits each of `keys` positions once, far apart."""
    def gcd(a, b):
        while b:
            a, b = b, a % b
        return a
    step = int(keys * 0.618034) | 1
    while gcd(step, keys) != 1:
        step += 2
    return step


class Sample:
    """One run of the load generator against one server."""

    def __init__(self, rate, p99_ms, cpu_us, drained_us, drain_seconds):
        self.rate, self.p99_ms = rate, p99_ms
        self.cpu_us, self.drained_us, self.drain_seconds = cpu_us, drained_us, drain_seconds

    def plain(self):
        return {"rate": self.rate, "p99_ms": self.p99_ms, "cpu_us_per_op": self.cpu_us,
                "drained_cpu_us_per_op": self.drained_us, "drain_seconds": self.drain_seconds}


class Generator:
    """redis-benchmark or valkey-benchmark, one thread, told a number of requests.

    It cannot be told a time, so the number is taken from the rate of a short run, once for each
    server and kind of load.
    """

    def __init__(self, program, keys, seconds):
        self.program, self.keys, self.seconds = program, keys, seconds
        self.requests = {}

    def once(self, server, test, pipeline, requests):
        command = [self.program, "-p", str(server.port), "-t", test, "-n", str(requests),
                   "-c", str(CONNECTIONS), "-P", str(pipeline), "-d", str(VALUE_BYTES),
                   "-r", str(self.keys), "--csv"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=3600)
        row = None
        for found in csv.DictReader(io.StringIO(done.stdout)):
            if (found.get("test") or "").upper() == test.upper():
                row = found
        if done.returncode != 0 or row is None:
            raise RuntimeError("%s against %s failed: %s%s"
                               % (self.program, server.name, done.stdout, done.stderr))
        return float(row["rps"]), float(row["p99_latency_ms"])

    def calibrated(self, server, test, pipeline):
        key = (server.name, server.port, test, pipeline)
        if key not in self.requests:
            requests = 20000 * min(pipeline, 16)
            while True:
                began = time.monotonic()
                rate, _ = self.once(server, test, pipeline, requests)
                took = time.monotonic() - began
                if took >= 0.3:
                    break
                requests *= 4
            server.drain()
            self.requests[key] = max(1000, int(rate * self.seconds))
        return self.requests[key]

    def sample(self, server, test, pipeline):
        requests = self.calibrated(server, test, pipeline)
        before = server.cpu_seconds()
        rate, p99 = self.once(server, test, pipeline, requests)
        after = server.cpu_seconds()
        drain_seconds = server.drain()
        drained = server.cpu_seconds()
        return Sample(rate, p99, (after - before) / requests * 1e6,
                      (drained - before) / requests * 1e6, drain_seconds)


def ping_latencies(server, until, pause=0.001):
    """Round trips of PING on one connection, in milliseconds, until the event is set."""
    client, found = server.client(), []
    try:
        while not until.is_set():
            began = time.perf_counter()
            client.call("PING")
            found.append((time.perf_counter() - began) * 1000)
            time.sleep(pause)
    finally:
        client.close()
    return found


def ping_during(server, generator, test, pipeline, requests):
    """p99 of PING while the generator runs: (p99 ms, pings, rate of the load)."""
    done, found = threading.Event(), []
    thread = threading.Thread(target=lambda: found.extend(ping_latencies(server, done)))
    thread.start()
    try:
        rate, _ = generator.once(server, test, pipeline, requests)
    finally:
        done.set()
        thread.join()
    return percentile(found, 0.99), len(found), rate


def percentile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else float("nan")


def median(values):
    ordered = sorted(values)
    middle = len(ordered) // 2
    if not ordered:
        return float("nan")
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2
