#!/usr/bin/env python3
"""Measures this server beside its peers, A B A B in one run, and prints one table.

    benches/run.py --binary target/release/dynamo --valkey PATH
    benches/run.py --quick --rows memory-get-p16,rss

Throughput on one machine swings by a quarter from run to run, so no figure here stands alone: each
round measures ours and the peer one right after the other, and what is reported is the median of
the rounds' ratios. CPU is user + system time of the server process per operation; for an engine
that puts its log into the tree later, once when the load ends and once when all of it is in the
tree, so that the deferral hides nothing.
"""

import argparse
import json
import os
import platform
import shutil
import sys
import threading
import tomllib

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from load import (KEY, VALUE_BYTES, Generator, fill, median, percentile, ping_during,  # noqa: E402
                  ping_latencies)
from servers import Fleet  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
SLACK = 0.05
LIVE_BYTES_PER_KEY = len(KEY % 0) + VALUE_BYTES
CACHE_SHARE = 10  # The ping row's data set is so many times cache_bytes.

# Row: (ours, peers, test, pipeline).
RATIO_ROWS = {}
for _test in ("get", "set"):
    for _depth in (1, 16, 64):
        RATIO_ROWS["memory-%s-p%d" % (_test, _depth)] = ("memory", ("redis", "valkey"), _test, _depth)
for _depth in (1, 16, 64):
    RATIO_ROWS["everysec-set-p%d" % _depth] = ("fjall-everysec", ("redis-everysec",), "set", _depth)
RATIO_ROWS["always-set-p1"] = ("fjall-always", ("redis-always",), "set", 1)
for _depth in (1, 16, 64):
    # Beside redis too: its CPU and p99 are the yardstick of every row.
    RATIO_ROWS["fjall-get-p%d" % _depth] = ("fjall-everysec", ("memory", "redis"), "get", _depth)
SINGLE_ROWS = ("rss", "start", "ping", "disk")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--binary", default=os.path.join(HERE, "..", "target", "release", "dynamo"))
    parser.add_argument("--redis", default=shutil.which("redis-server") or "redis-server")
    parser.add_argument("--valkey", default=shutil.which("valkey-server"), help="left out without")
    parser.add_argument("--benchmark", default=shutil.which("redis-benchmark") or "redis-benchmark")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--seconds", type=float, default=10.0, help="of each run")
    parser.add_argument("--keys", type=int, default=1_000_000)
    parser.add_argument("--rows", default="", help="comma separated; default all of:\n"
                        + ", ".join(list(RATIO_ROWS) + list(SINGLE_ROWS)))
    parser.add_argument("--quick", action="store_true", help="2 s, 2 rounds, 100,000 keys: a smoke test")
    parser.add_argument("--directory", default=None, help="where the servers keep their data")
    parser.add_argument("--json", default=None, metavar="FILE", help="everything measured, as JSON")
    options = parser.parse_args()
    if options.quick:
        options.seconds, options.rounds, options.keys = 2.0, 2, 100_000
    options.rows = [row for row in options.rows.split(",") if row] or list(RATIO_ROWS) + list(SINGLE_ROWS)
    unknown = [row for row in options.rows if row not in RATIO_ROWS and row not in SINGLE_ROWS]
    if unknown:
        parser.error("no such row: " + ", ".join(unknown))
    return options


class Bench:
    def __init__(self, options):
        self.options = options
        self.fleet = Fleet(options)
        self.generator = Generator(options.benchmark, options.keys, options.seconds)
        self.running = {}
        self.results = []
        with open(os.path.join(HERE, "figures.toml"), "rb") as file:
            figures = tomllib.load(file)
        self.ratios, self.limits = figures["ratio"], figures["limit"]
        self.aims, self.limit_aims = figures["aim"], figures["limit-aim"]

    def server(self, name):
        """A running server of that name with every key loaded and drained."""
        if name not in self.running:
            server = self.fleet.make(name)
            server.start()
            fill(server, self.options.keys)
            server.drain()
            self.running[name] = server
        return self.running[name]

    def keep_only(self, names):
        """Stops servers that the next rows do not need: an idle one still takes memory."""
        for name in list(self.running):
            if name not in names:
                self.running.pop(name).close()

    def ratio_row(self, row):
        ours_name, peers, test, depth = RATIO_ROWS[row]
        for peer_name in peers:
            if peer_name == "valkey" and not self.options.valkey:
                self.skip("%s/%s" % (row, peer_name), "no valkey-server given")
                continue
            self.keep_only((ours_name,) + peers)
            ours, peer = self.server(ours_name), self.server(peer_name)
            first, second = [], []
            for _ in range(self.options.rounds):
                first.append(self.generator.sample(ours, test, depth))
                second.append(self.generator.sample(peer, test, depth))
            self.add_ratio("%s/%s" % (row, peer_name), first, second)

    def add_ratio(self, name, first, second):
        ratios = [a.rate / b.rate for a, b in zip(first, second)]
        figure, aim = self.ratios.get(name), self.aims.get(name)
        result = {
            "row": name, "ratio": median(ratios), "ratio_low": min(ratios), "ratio_high": max(ratios),
            "figure": figure if figure is not None else aim,
            "rate": [median([s.rate for s in first]), median([s.rate for s in second])],
            "cpu_us": [median([s.cpu_us for s in first]), median([s.cpu_us for s in second])],
            "drained_us": [median([s.drained_us for s in first]), median([s.drained_us for s in second])],
            "p99_ms": [median([s.p99_ms for s in first]), median([s.p99_ms for s in second])],
            "cpu_ratio": median([a.drained_us / b.drained_us for a, b in zip(first, second)]),
            "p99_ratio": median([a.p99_ms / b.p99_ms for a, b in zip(first, second)]),
            "drain_seconds": median([s.drain_seconds for s in first]),
            "ours": [s.plain() for s in first], "theirs": [s.plain() for s in second],
        }
        result["verdict"] = verdict_of(result, figure, aim)
        self.results.append(result)
        print_ratio(result)

    def single(self, name, value, unit, detail, limit=None, aim=None):
        if limit is not None:
            verdict = "holds" if value <= limit else "FAILS"
        elif aim is not None:
            verdict = "aim met" if value <= aim else "aim not met"
        else:
            verdict = "-"
        self.results.append({"row": name, "value": value, "unit": unit, "detail": detail,
                             "limit": limit, "aim": aim, "verdict": verdict})
        print("%-34s %12.3f %-12s %-44s %s" % (name, value, unit, detail, verdict), flush=True)

    def skip(self, name, reason):
        self.results.append({"row": name, "skipped": reason, "verdict": "skipped"})
        print("%-34s skipped: %s" % (name, reason), flush=True)

    def rss_row(self):
        """RSS growth per key, each server started for this alone."""
        self.keep_only(())
        growth = {}
        for name in ("memory", "fjall-everysec", "redis", "valkey"):
            if name == "valkey" and not self.options.valkey:
                self.skip("rss/valkey", "no valkey-server given")
                continue
            server = self.fleet.make(name)
            server.start()
            empty = server.rss_bytes()
            fill(server, self.options.keys)
            growth[name] = (server.rss_bytes() - empty) / self.options.keys
            self.single("rss of " + name, growth[name], "B/key", "empty %.1f MiB" % (empty / 2**20))
            server.close()
        for peer in ("redis", "valkey"):
            if peer in growth:
                self.single("rss/" + peer, growth["memory"] / growth[peer], "ours/theirs",
                            "memory engine", self.limits.get("rss/" + peer),
                            self.limit_aims.get("rss/" + peer))

    def start_row(self):
        """Until the first PONG with every key on disk: after SIGTERM, and after kill -9."""
        self.keep_only(())
        server = self.fleet.make("fjall-everysec")
        server.start()
        fill(server, self.options.keys)
        server.stop()
        clean = server.start()
        self.single("start after a clean stop", clean, "s", "%d keys" % self.options.keys,
                    self.limits.get("start-clean"))
        fill(server, self.options.keys, 1)
        undrained = server.disk_bytes()
        server.kill()
        killed = server.start()
        size = self.check_size(server)
        self.single("start after kill -9", killed, "s", "%d keys, all overwritten just before; disk %.0f MiB"
                    % (size, undrained / 2**20), self.limits.get("start-killed"))
        server.close()

    def check_size(self, server):
        """Every key must be there; a figure about a server that lost some means nothing."""
        client = server.client()
        size = client.call("DBSIZE")
        client.close()
        if size != self.options.keys:
            raise RuntimeError("%s has %d keys, not %d" % (server.name, size, self.options.keys))
        return size

    def ping_row(self):
        """PING while uniform GETs hit a data set ten times the cache: cold reads block nobody."""
        self.keep_only(())
        cache = self.options.keys * LIVE_BYTES_PER_KEY // CACHE_SHARE
        server = self.fleet.make("fjall-everysec", ("storage.cache_bytes=%d" % cache,))
        server.start()
        fill(server, self.options.keys)
        server.drain()
        done, idle = threading.Event(), []
        thread = threading.Thread(target=lambda: idle.extend(ping_latencies(server, done)))
        thread.start()
        done.wait(min(2.0, self.options.seconds))
        done.set()
        thread.join()
        requests = self.generator.calibrated(server, "get", 1)
        p99, count, rate = ping_during(server, self.generator, "get", 1, requests)
        self.single("ping p99, nothing else", percentile(idle, 0.99), "ms", "%d pings" % len(idle))
        self.single("ping p99, GETs of 10 x the cache", p99, "ms",
                    "%d pings, %.0f GET/s, cache %d bytes" % (count, rate, cache), self.limits.get("ping"))
        server.close()

    def disk_row(self):
        """Disk after every key was overwritten three times and the log drained."""
        self.keep_only(())
        server = self.fleet.make("fjall-everysec")
        server.start()
        peak = 0
        for generation in range(4):
            fill(server, self.options.keys, generation)
            peak = max(peak, server.disk_bytes())
        seconds = server.drain()
        self.check_size(server)
        used, live = server.disk_bytes(), self.options.keys * LIVE_BYTES_PER_KEY
        self.single("disk", used / live, "x live data", "%.0f MiB, peak seen %.0f MiB, drained in %.1f s"
                    % (used / 2**20, peak / 2**20, seconds), self.limits.get("disk"))
        server.close()

    def run(self):
        print_head()
        for row in self.options.rows:
            if row in RATIO_ROWS:
                self.ratio_row(row)
            else:
                {"rss": self.rss_row, "start": self.start_row, "ping": self.ping_row,
                 "disk": self.disk_row}[row]()


def verdict_of(result, figure, aim):
    """CPU and p99 are promises against redis; beside the others they are information."""
    failed = []
    if figure is not None and result["ratio"] < figure - SLACK:
        failed.append("rate")
    if "/redis" in result["row"]:
        if result["cpu_ratio"] > 1.0:
            failed.append("cpu")
        if result["p99_ratio"] > 1.0 + SLACK:
            failed.append("p99")
    if failed:
        return "FAILS: " + ", ".join(failed)
    if figure is not None or "/redis" in result["row"]:
        return "holds"
    if aim is None:
        return "-"
    return "aim met" if result["ratio"] >= aim - SLACK else "aim not met"


def print_head():
    print("%-34s %6s %13s %6s %9s %9s %13s %15s %13s  %s"
          % ("row", "ratio", "(low - high)", "figure", "ours/s", "theirs/s", "CPU us/op",
             "drained us/op", "p99 ms", "verdict"), flush=True)


def print_ratio(result):
    print("%-34s %6.2f (%5.2f - %5.2f) %6s %8.1fk %8.1fk %6.2f %6.2f %7.2f %7.2f %6.2f %6.2f  %s" % (
        result["row"], result["ratio"], result["ratio_low"], result["ratio_high"],
        "-" if result["figure"] is None else "%.2f" % result["figure"],
        result["rate"][0] / 1000, result["rate"][1] / 1000, *result["cpu_us"], *result["drained_us"],
        *result["p99_ms"], result["verdict"]), flush=True)


def main():
    options = arguments()
    bench = Bench(options)
    print("%s, %d CPUs; %d keys, %d-byte values, 50 connections, %d rounds of %.0f s" % (
        platform.platform(), os.cpu_count(), options.keys, VALUE_BYTES, options.rounds, options.seconds))
    try:
        bench.run()
    finally:
        bench.fleet.close()
        if options.json:
            with open(options.json, "w") as file:
                json.dump({"keys": options.keys, "rounds": options.rounds, "seconds": options.seconds,
                           "results": bench.results}, file, indent=1)
    failed = [r["row"] for r in bench.results if r["verdict"].startswith("FAILS")]
    print("%d rows, %d fail, %d skipped" % (
        len(bench.results), len(failed), sum(r["verdict"] == "skipped" for r in bench.results)))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
