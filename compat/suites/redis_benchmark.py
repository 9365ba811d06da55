"""redis-benchmark 7.0: it must end well and report a rate for each test asked for."""

import os
import subprocess

from harness import DIRECTORY, HOST, PORT, case, cases, main

PROGRAM = os.path.join(DIRECTORY, "bin", "redis-benchmark")
TESTS = ["ping_inline", "ping_mbulk", "set", "get", "incr", "mset"]
TITLES = ["PING_INLINE", "PING_MBULK", "SET", "GET", "INCR", "MSET (10 keys)"]


def bench(*words):
    command = [PROGRAM, "-h", HOST, "-p", str(PORT), *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    output = done.stdout + done.stderr
    if done.returncode != 0:
        raise AssertionError(f"exit code {done.returncode}:\n{output[-3000:]}")
    for bad in ["Error from server", "WARNING", "Could not", "ERR "]:
        if bad in output:
            raise AssertionError(f"{bad!r} in the output:\n{output[-3000:]}")
    return output


def rates(output):
    """Title to requests per second, from the lines of --csv."""
    found = {}
    for line in output.splitlines():
        cells = [cell.strip('"') for cell in line.split('","')]
        if len(cells) > 1 and cells[0] != "test":
            found[cells[0]] = float(cells[1])
    return found


@cases(1, 16)
def default_tests_at_pipeline(pipeline):
    found = rates(bench("-t", ",".join(TESTS), "-n", 5000, "-c", 20, "-P", pipeline, "--csv"))
    for title in TITLES:
        if found.get(title, 0) <= 0:
            raise AssertionError(f"no rate for {title}: {found}")


@case
def resp3_random_keys_and_larger_values():
    output = bench("-3", "-t", "set,get", "-n", 5000, "-c", 10, "-r", 1000, "-d", 1024, "--csv")
    if len(rates(output)) != 2:
        raise AssertionError(output)


@case
def two_threads():
    output = bench("--threads", 2, "-t", "set,get", "-n", 4000, "-c", 10, "-q")
    if output.count("requests per second") < 2:
        raise AssertionError(output)


@case
def a_command_of_ones_own():
    output = bench("-n", 2000, "-c", 5, "-r", 100, "-q", "SETEX", "bench:__rand_int__", 100, "v")
    if "requests per second" not in output:
        raise AssertionError(output)


if __name__ == "__main__":
    main()
