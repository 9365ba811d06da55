#!/usr/bin/env python3
"""Differential test: the same random commands to Redis 7.0 and to this server.

    run.py --oracle /usr/bin/redis-server --binary target/debug/dynamo --seconds 60
    run.py --oracle PATH --ours 6379 --commands 100000 --seed 7

`--ours` takes the port of a running server (its data is flushed), `--binary` starts one. Each
sequence is made from `--seed` and its number alone; a failure is shrunk, printed as commands, and
written to a file that `--replay` runs again. The last line is `N passed, N failed, N skipped`:
replies that agree, distinct differences, and cases that could not be asked.
"""

import argparse
import json
import os
import random
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import replies  # noqa: E402
from compare import Allowed, Comparison  # noqa: E402
from execute import execute, shrink  # noqa: E402
from generate import NOW, Generator  # noqa: E402
from resp import Connection, quote  # noqa: E402
from servers import start_oracle, start_ours  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--oracle", required=True, help="redis-server 7.0, or the port of a running one")
    group = parser.add_mutually_exclusive_group(required=True)
    group.add_argument("--ours", type=int, metavar="PORT", help="a running server; its data is flushed")
    group.add_argument("--binary", metavar="PATH", help="our binary; a server is started and stopped")
    parser.add_argument("--engine", default="memory", help="storage.engine for --binary")
    parser.add_argument("--seed", type=int, default=None, help="default: random, and printed")
    parser.add_argument("--seconds", type=float, default=None, help="stop after so long (default 20)")
    parser.add_argument("--commands", type=int, default=None, help="stop after so many commands")
    parser.add_argument("--length", type=int, default=50, help="commands in one sequence")
    parser.add_argument("--from", type=int, default=0, dest="first", help="number of the first sequence")
    parser.add_argument("--sequences", type=int, default=None, help="stop after so many sequences")
    parser.add_argument("--replay", metavar="FILE", help="run one written failure again")
    parser.add_argument("--only", default="", help="comma separated command names")
    parser.add_argument("--without", default="", help="comma separated command names")
    parser.add_argument("--max-failures", type=int, default=20, help="stop after so many distinct ones")
    parser.add_argument("--failures-dir", default=os.path.join(HERE, "..", "..", "target", "differential"))
    parser.add_argument("--no-replies", action="store_true", help="leave replies_7_2.toml out")
    return parser.parse_args()


def words(text):
    return tuple(word.upper() for word in text.split(",") if word)


def readable(steps, position=None):
    lines = []
    for number, item in enumerate(steps):
        args = " ".join(quote(arg).replace("\\x01now:", "NOW_") for arg in item["args"])
        pause = "   (then %d ms)" % (item["sleep"] * 1000) if item.get("sleep") else ""
        mark = "=>" if number == position else "  "
        lines.append("  %s %s%d> %s%s" % (mark, item["kind"], item["conn"], args, pause))
    return "\n".join(lines)


def save(steps, path):
    plain = [dict(item, args=[arg.decode("latin-1") for arg in item["args"]]) for item in steps]
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    with open(path, "w") as file:
        json.dump(plain, file, indent=1)


def load(path):
    with open(path) as file:
        return [dict(item, args=[a.encode("latin-1") for a in item["args"]]) for item in json.load(file)]


class Run:
    def __init__(self, options, oracle_port, ours_port):
        self.options, self.oracle_port, self.ours_port = options, oracle_port, ours_port
        self.allowed = Allowed(os.path.join(HERE, "differences.toml"))
        self.comparison = Comparison(self.allowed)
        self.compared = 0
        self.failures = {}

    def once(self, steps):
        return execute(steps, self.oracle_port, self.ours_port, self.comparison)

    def report(self, steps, mismatch, origin):
        """Shrinks, prints and writes a difference that was not seen before."""
        signature = mismatch.signature()
        if signature in self.failures:
            self.failures[signature] += 1
            return
        self.failures[signature] = 1

        def differs(shorter):
            found = self.once(shorter)[1]
            return found is not None and found.signature() == signature
        steps = steps[: mismatch.position + 1]
        if differs(steps):
            steps = shrink(steps, differs)
            again = self.once(steps)[1]
            mismatch = again or mismatch
        else:
            print("(the next one did not happen again: a matter of time)")
        path = os.path.relpath(os.path.join(self.options.failures_dir, "%d.json" % len(self.failures)))
        save(steps, path)
        print("\nDIFFERENCE %d, %s, in %s" % (len(self.failures), mismatch.what, origin))
        print(readable(steps, mismatch.position))
        print("  redis: %r" % mismatch.oracle[:600])
        print("  ours:  %r" % mismatch.ours[:600])
        target = "--ours %d" % self.options.ours if self.options.ours else "--binary " + self.options.binary
        print("  again: %s --oracle %s %s --replay %s"
              % (sys.argv[0], self.options.oracle, target, path), flush=True)

    def random(self, seed):
        options = self.options
        seconds = options.seconds
        if seconds is None and options.commands is None and options.sequences is None:
            seconds = 20.0
        deadline = None if seconds is None else time.monotonic() + seconds
        number = options.first
        while len(self.failures) < options.max_failures:
            done = (options.commands is not None and self.compared >= options.commands
                    or deadline is not None and time.monotonic() >= deadline
                    or options.sequences is not None and number - options.first >= options.sequences)
            if done:
                break
            generator = Generator(seed, number, words(options.without), words(options.only))
            steps = generator.sequence(options.length)
            compared, mismatch = self.once(steps)
            self.compared += compared
            if mismatch is not None:
                self.report(steps, mismatch, "--seed %d --from %d --sequences 1" % (seed, number))
            number += 1
        return number - options.first


def check_oracle(port):
    connection = Connection(port)
    text = connection.call("INFO", "server").decode(errors="replace")
    connection.close()
    version = next((l.split(":")[1] for l in text.splitlines() if l.startswith("redis_version:")), "?")
    if not version.startswith("7.0."):
        print("warning: the oracle says it is redis %s; the table and rules are made for 7.0" % version)
    return version


def main():
    options = arguments()
    started = []
    try:
        if options.oracle.isdigit():
            oracle_port = int(options.oracle)
        else:
            started.append(start_oracle(options.oracle))
            oracle_port = started[-1].port
        if options.binary:
            started.append(start_ours(options.binary, options.engine))
            ours_port = started[-1].port
        else:
            ours_port = options.ours
        return compare_servers(options, oracle_port, ours_port)
    finally:
        for server in started:
            server.close()


def compare_servers(options, oracle_port, ours_port):
    version = check_oracle(oracle_port)
    run = Run(options, oracle_port, ours_port)
    if options.replay:
        steps = load(options.replay)
        compared, mismatch = run.once(steps)
        print(readable(steps, mismatch.position if mismatch else None))
        if mismatch:
            print("  redis: %r\n  ours:  %r" % (mismatch.oracle, mismatch.ours))
        print("%d passed, %d failed, 0 skipped" % (compared, 1 if mismatch else 0))
        return 1 if mismatch else 0
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(10**9)
    print("redis %s against port %d, seed %d" % (version, ours_port, seed), flush=True)
    sequences = run.random(seed)
    passed, failed, skipped = run.compared, len(run.failures), 0
    if not run.comparison.rounding_is_rare():
        failed += 1
        print("\nDIFFERENCE: %d of %d times in seconds are one apart: rounded otherwise than in redis"
              % (run.comparison.seconds_rounded, run.comparison.seconds_compared))
    if not options.no_replies:
        table = replies.check(os.path.join(HERE, "replies_7_2.toml"), ours_port)
        passed, failed, skipped = passed + table[0], failed + table[1], skipped + table[2]
    if run.compared >= 50000:
        for name in run.allowed.unused():
            print("warning: the allowed difference %r was never used in this long run" % name)
    repeats = sum(run.failures.values()) - len(run.failures)
    print("\n%d sequences; %d allowed differences listed; %d repeats of differences above"
          % (sequences, len(run.allowed.entries), repeats))
    print("%d passed, %d failed, %d skipped" % (passed, failed, skipped))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
