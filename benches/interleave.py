#!/usr/bin/env python3
"""Compares two builds of this server, A B A B, in one run.

    benches/interleave.py --a /tmp/before --b target/release/dynamo --rows set-p16,get-p64

The only honest answer to "did this change help" on a machine whose throughput swings by a quarter:
both builds run side by side, take turns, and the median of the ratios B / A is what counts. With
`--b` equal to `--a` it shows the noise.
"""

import argparse
import os
import shutil
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from load import Generator, fill, median  # noqa: E402
from servers import Fleet  # noqa: E402


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--a", required=True, help="a binary")
    parser.add_argument("--b", required=True, help="the other")
    parser.add_argument("--engine", default="memory", help="memory, fjall-everysec, fjall-always, fjall-os")
    parser.add_argument("--rows", default="get-p1,set-p1,get-p16,set-p16,get-p64,set-p64")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--keys", type=int, default=1_000_000)
    parser.add_argument("--benchmark", default=shutil.which("redis-benchmark") or "redis-benchmark")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="for both")
    parser.add_argument("--directory", default=None)
    return parser.parse_args()


def main():
    options = arguments()
    fleet = Fleet(options)
    try:
        sides = []
        for binary in (options.a, options.b):
            server = fleet.ours(options.engine, binary, options.set, options.directory)
            fleet.servers.append(server)
            server.start()
            fill(server, options.keys)
            server.drain()
            sides.append(server)
        generator = Generator(options.benchmark, options.keys, options.seconds)
        print("%-10s %6s %15s %9s %9s %15s %15s" % (
            "row", "B / A", "(low - high)", "A/s", "B/s", "A, B CPU us/op", "A, B p99 ms"))
        for row in options.rows.split(","):
            test, _, depth = row.partition("-p")
            a, b = [], []
            for _ in range(options.rounds):
                a.append(generator.sample(sides[0], test, int(depth)))
                b.append(generator.sample(sides[1], test, int(depth)))
            ratios = [y.rate / x.rate for x, y in zip(a, b)]
            print("%-10s %6.3f (%5.2f - %5.2f) %8.1fk %8.1fk %7.2f %7.2f %7.2f %7.2f" % (
                row, median(ratios), min(ratios), max(ratios),
                median([s.rate for s in a]) / 1000, median([s.rate for s in b]) / 1000,
                median([s.drained_us for s in a]), median([s.drained_us for s in b]),
                median([s.p99_ms for s in a]), median([s.p99_ms for s in b])), flush=True)
    finally:
        fleet.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
