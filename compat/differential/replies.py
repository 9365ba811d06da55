"""The table of replies that Redis 7.2 gives and 7.0 does not, asked of this server.

Each case runs on a new connection in a flushed database; its last command's reply is compared with
`reply` (exact bytes) or `matches` (a regular expression on the whole reply).
"""

import re
import tomllib

from resp import Connection, encode


def check(path, port):
    """(passed, failed, skipped)"""
    with open(path, "rb") as file:
        cases = tomllib.load(file)["case"]
    passed = failed = 0
    for case in cases:
        reply = ask(case, port)
        if agrees(case, reply):
            passed += 1
            continue
        failed += 1
        print("\nREPLY of 7.2: %s" % case["name"])
        for command in case["send"]:
            print("    %s" % " ".join(command))
        print("  expected: %r" % (case.get("reply") or case.get("matches")))
        print("  ours:     %r" % reply.decode("latin-1"))
    return passed, failed, 0


def ask(case, port):
    connection = Connection(port)
    try:
        connection.call("FLUSHALL")
        if case.get("resp") == 3:
            connection.call("HELLO", "3")
        reply = b""
        for command in case["send"]:
            connection.send(encode([word.encode("latin-1") for word in command]))
            reply = connection.read()
        return reply
    finally:
        connection.close()


def agrees(case, reply):
    text = reply.decode("latin-1")
    if "reply" in case:
        return text == case["reply"]
    return re.fullmatch(case["matches"], text, re.S) is not None
