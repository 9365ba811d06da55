"""What the Python suites share: where the server is, and how a case reports to compat/run.py.

A case is a function marked with @case; it fails by raising, and is skipped by raising Skip. Its
name is its claim. Each case uses keys of its own, under the prefix that `key()` gives.
"""

import asyncio
import inspect
import itertools
import json
import os
import sys
import time
import traceback

HOST = os.environ.get("COMPAT_HOST", "127.0.0.1")
PORT = int(os.environ.get("COMPAT_PORT", "6379"))
IS_DYNAMO = os.environ.get("COMPAT_SERVER") == "dynamo"
DIRECTORY = os.environ.get("COMPAT_DIR", "")

_CASES = []
_NUMBERS = itertools.count()


class Skip(Exception):
    """Why a case does not apply here."""


def case(function):
    _CASES.append((function, ()))
    return function


def cases(*variants):
    """Runs the function once for each variant, given as its arguments."""

    def mark(function):
        for variant in variants:
            _CASES.append((function, variant if isinstance(variant, tuple) else (variant,)))
        return function

    return mark


def key(name="key"):
    """A key that no other case uses."""
    return f"{os.path.basename(sys.argv[0])}:{next(_NUMBERS)}:{name}"


def equal(got, wanted, what=""):
    if got != wanted:
        shown, hoped = repr(got)[:600], repr(wanted)[:600]
        raise AssertionError(f"{what + ': ' if what else ''}got {shown}, wanted {hoped}")


def wait_until(condition, timeout=10, what="the condition"):
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not come true within {timeout} s")
        time.sleep(0.02)


def raises(error, text, call, *arguments, **options):
    """The call must raise this error, with this text in its message."""
    try:
        got = call(*arguments, **options)
    except error as failure:
        if text not in str(failure):
            raise AssertionError(f"wanted {text!r} in the error, got {failure!s}") from failure
        return failure
    raise AssertionError(f"wanted an error with {text!r}, got {got!r}")


def main():
    for function, arguments in _CASES:
        name = function.__name__
        if arguments:
            name += "[" + ",".join(str(argument) for argument in arguments) + "]"
        start = time.monotonic()
        try:
            result = function(*arguments)
            if inspect.iscoroutine(result):
                asyncio.run(asyncio.wait_for(result, 60))
            outcome, detail = "passed", ""
        except Skip as reason:
            outcome, detail = "skipped", str(reason)
        except Exception:
            outcome, detail = "failed", traceback.format_exc(limit=-6)
        _report(outcome, name, detail, time.monotonic() - start)
    _report("finished", "", "", 0.0)


def _report(outcome, name, detail, seconds):
    line = {"outcome": outcome, "name": name, "detail": detail, "seconds": seconds}
    print("@case " + json.dumps(line), flush=True)
