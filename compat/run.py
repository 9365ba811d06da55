#!/usr/bin/env python3
"""Runs real Redis clients against a node: one process per suite, one line per case.

The last line is `N passed, N failed, N skipped`; the exit code is 1 when anything failed. A suite
reports its cases itself (suites/harness.py, suites/harness.mjs); what it prints beside that is
shown when it fails. A suite that ends without saying so, or a node that dies, is a failure too.
"""

import argparse
import collections
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

from node import Node, NodeFailed, ask, server_kind

HERE = Path(__file__).resolve().parent
SUITES = HERE / "suites"
DEFAULT_DIR = HERE.parent / "target" / "compat"
DEFAULT_BINARY = HERE.parent / "target" / "debug" / "dynamo"
MARK = "@case "
NOISE_LINES = 200

Suite = collections.namedtuple("Suite", "name file timeout_s on_fjall needs only_dynamo")


def suite(file, timeout_s=120, on_fjall=False, needs="", only_dynamo=False):
    return Suite(file.rsplit(".", 1)[0], file, timeout_s, on_fjall, needs, only_dynamo)


# The order is the order of running: plain tools first, since their output is the easiest to read.
ALL = [
    suite("redis_cli.py", timeout_s=180, on_fjall=True, needs="debian"),
    suite("redis_benchmark.py", timeout_s=180, on_fjall=True, needs="debian"),
    suite("redis_py.py", timeout_s=300, on_fjall=True, needs="python"),
    suite("redis_py_session.py", timeout_s=180, on_fjall=True, needs="python"),
    suite("redis_py_asyncio.py", needs="python"),
    suite("ioredis.mjs", on_fjall=True, needs="node"),
    suite("node_redis.mjs", needs="node"),
    suite("valkey_glide.py", needs="glide"),
    suite("django_cache.py", on_fjall=True, needs="python"),
    suite("flask_sessions.py", needs="python"),
    suite("connect_redis.mjs", needs="node"),
    suite("siblings.py", on_fjall=True, needs="python", only_dynamo=True),
]


class Tally:
    """Counts outcomes and prints a line for each case."""

    def __init__(self):
        self.passed = self.failed = self.skipped = 0

    def record(self, where, outcome, name, detail="", seconds=None):
        took = "" if seconds is None else f" ({seconds:.2f} s)"
        if outcome == "passed":
            self.passed += 1
            print(f"ok      {where} {name}{took}")
        elif outcome == "skipped":
            self.skipped += 1
            print(f"skipped {where} {name}: {detail}")
        else:
            self.failed += 1
            print(f"FAILED  {where} {name}{took}")
            print("\n".join(f"        | {line}" for line in detail.splitlines()))
        sys.stdout.flush()


def install_state(root, part):
    """Why a part that setup.py makes is absent, or None when it is there."""
    missing = root / "stamps" / f"{part}.missing"
    if missing.is_file():
        return missing.read_text().splitlines()[0]
    if not (root / "stamps" / part).is_file():
        return f"{part} is not installed: run compat/setup.py"
    return None


def suite_command(root, one):
    if one.file.endswith(".mjs"):
        return ["node", str(SUITES / one.file)]
    python = root / "venv" / "bin" / "python"
    return [str(python) if python.exists() else sys.executable, str(SUITES / one.file)]


def run_suite(root, one, host, port, kind, engine, tally, where):
    """Runs one suite in its own process and records its cases. True when nothing failed."""
    environment = dict(
        os.environ,
        COMPAT_HOST=host,
        COMPAT_PORT=str(port),
        COMPAT_SERVER=kind,
        COMPAT_ENGINE=engine,
        COMPAT_DIR=str(root),
        PYTHONUNBUFFERED="1",
        PYTHONWARNINGS="ignore::DeprecationWarning",
        NODE_ENV="test",
    )
    process = subprocess.Popen(
        suite_command(root, one),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=environment,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    lines = queue.Queue()
    reader = threading.Thread(target=read_lines, args=(process.stdout, lines), daemon=True)
    reader.start()
    noise = collections.deque(maxlen=NOISE_LINES)
    failed_before, finished = tally.failed, False
    deadline = time.monotonic() + one.timeout_s
    while (line := next_line(lines, deadline)) is not None:
        if not line.startswith(MARK):
            noise.append(line)
            continue
        case = json.loads(line[len(MARK) :])
        if case["outcome"] == "finished":
            finished = True
            continue
        tally.record(where, case["outcome"], case["name"], case["detail"], case["seconds"])
    timed_out = time.monotonic() >= deadline
    if timed_out:
        # The suite leads a group: what it started, such as a redis-cli that hangs, goes with it.
        os.killpg(process.pid, signal.SIGKILL)
    code = process.wait()
    if timed_out:
        tally.record(where, "failed", "(suite)", f"exceeded its limit of {one.timeout_s} s")
    elif not finished:
        tally.record(where, "failed", "(suite)", f"ended early with exit code {code}")
    if tally.failed > failed_before:
        print("".join(f"        > {line}\n" for line in noise), end="")
    return tally.failed == failed_before


def read_lines(stream, lines):
    for line in stream:
        lines.put(line.rstrip("\n"))
    lines.put(None)


def next_line(lines, deadline):
    """The suite's next line, or None at its end or at the deadline."""
    try:
        return lines.get(timeout=max(0.0, deadline - time.monotonic()))
    except queue.Empty:
        return None


def skip_reason(root, one, kind, engine, chosen):
    if one.only_dynamo and kind != "dynamo":
        return "speaks verbs that only dynamo has"
    if engine == "fjall" and not one.on_fjall and not chosen:
        return "not part of the subset for this engine"
    return install_state(root, one.needs) if one.needs else None


def run_on_port(root, suites, port, chosen, tally):
    kind = server_kind(port)
    for one in suites:
        where = f"{kind}/{one.name}"
        if reason := skip_reason(root, one, kind, "", chosen):
            tally.record(where, "skipped", "(suite)", reason)
            continue
        ask(port, "FLUSHALL")
        run_suite(root, one, "127.0.0.1", port, kind, "", tally, where)


def run_on_engine(root, suites, binary, engine, chosen, tally):
    """Starts a node and runs the suites on it; a node that dies is replaced for the next suite."""
    node = None
    try:
        for one in suites:
            if node is None:
                node = Node(binary, engine)
                node.start()
                kind = server_kind(node.port)
            where = f"{kind}-{engine}/{one.name}" if engine else f"{kind}/{one.name}"
            if reason := skip_reason(root, one, kind, engine, chosen):
                if "subset" not in reason:
                    tally.record(where, "skipped", "(suite)", reason)
                continue
            ask(node.port, "FLUSHALL")
            good = run_suite(root, one, "127.0.0.1", node.port, kind, engine, tally, where)
            if not node.alive():
                code = node.process.poll()
                why = f"exited with {code}" if code is not None else "does not answer PING"
                tally.record(where, "failed", "(node)", f"the node {why} after this suite")
                good = False
            if not good:
                print(f"the node's log, its last lines:\n{node.log_tail()}", flush=True)
            if not node.alive():
                node.stop()
                node = None
    except NodeFailed as failure:
        tally.record(f"{engine or 'server'}", "failed", "(start)", str(failure))
        print(f"the node's log, its last lines:\n{node.log_tail()}", flush=True)
    finally:
        if node is not None:
            node.stop()


def choose_binary(root, given):
    """The binary to run: a path, or `redis` and `valkey` for the ones that setup.py installs."""
    if given in ("redis", "valkey"):
        return root / "bin" / f"{given}-server"
    binary = Path(given).resolve() if given else DEFAULT_BINARY
    if not binary.is_file():
        sys.exit(f"compat/run: no binary at {binary}; give --binary PATH, redis or valkey")
    return binary


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--binary", help="what to start: a path, or `redis` or `valkey`")
    arguments.add_argument("--port", type=int, help="use the server that runs on this local port")
    arguments.add_argument("--suite", action="append", metavar="NAME", help="only this suite")
    arguments.add_argument("--engine", action="append", help="only this engine: memory, fjall")
    arguments.add_argument("--dir", type=Path, default=DEFAULT_DIR, help="where setup.py installed")
    arguments.add_argument("--list", action="store_true", help="list the suites and stop")
    given = arguments.parse_args()
    # So that a node we started is stopped also when we are told to end.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("compat/run: told to end"))
    if given.list:
        for one in ALL:
            print(one.name)
        return
    names = given.suite or [one.name for one in ALL]
    if unknown := set(names) - {one.name for one in ALL}:
        arguments.error(f"no such suite: {' '.join(sorted(unknown))}")
    suites = [one for one in ALL if one.name in names]
    root, tally, chosen = given.dir.resolve(), Tally(), bool(given.suite)
    if given.port:
        run_on_port(root, suites, given.port, chosen, tally)
    else:
        binary = choose_binary(root, given.binary)
        peer = binary.name in ("redis-server", "valkey-server")
        for engine in [""] if peer else given.engine or ["memory", "fjall"]:
            run_on_engine(root, suites, binary, engine, chosen, tally)
    print(f"{tally.passed} passed, {tally.failed} failed, {tally.skipped} skipped")
    sys.exit(1 if tally.failed else 0)


if __name__ == "__main__":
    main()
