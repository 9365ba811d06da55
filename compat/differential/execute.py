"""Runs one sequence on both servers and stops at the first reply that differs."""

import collections
import re
import time

from generate import NOW
from resp import CLOSED, SILENT, Connection, encode, parse, quote

SENTINEL = b"sentinel-7f3a"
# Of ours: an eleventh wrong password within a second ends the connection.
TRIES_PER_SECOND = 9
_tries = collections.deque(maxlen=TRIES_PER_SECOND)
_now = re.compile(re.escape(NOW) + rb"(s|ms)([+-]\d+)")


class Mismatch:
    def __init__(self, position, args, oracle, ours, what):
        self.position, self.args, self.oracle, self.ours, self.what = position, args, oracle, ours, what

    def signature(self):
        """Groups failures with one cause: the command, and how each reply begins."""
        name = self.args[0].upper() if self.args else b""
        words = b" ".join(self.args[:2] if name in CONTAINERS else self.args[:1])
        return (self.what, words.upper()[:40], mask(self.oracle), mask(self.ours))


CONTAINERS = (b"CLIENT", b"OBJECT", b"COMMAND", b"CONFIG", b"PUBSUB", b"MEMORY", b"SLOWLOG", b"LATENCY")


def mask(raw):
    return re.sub(rb"\d+", b"N", raw[:60] if raw[:1] == b"-" else raw[:1])


class Side:
    """The connections of a sequence to one server."""

    def __init__(self, port):
        self.port = port
        self.connections = [Connection(port) for _ in range(3)]
        self.connections[0].call("FLUSHALL")

    def close(self):
        for connection in self.connections:
            connection.close()

    def drain(self, at_least=0):
        """What the subscriber has received, up to the answer to a PING of ours."""
        subscriber = self.connections[2]
        if subscriber.closed:
            return [CLOSED]
        subscriber.send(encode([b"PING", SENTINEL]))
        replies = self.until_sentinel(subscriber, 5.0)
        while len(replies) < at_least:
            # A message may cross the PING's answer: it is sent by another connection's command.
            late = subscriber.read(timeout=0.25)
            replies.append(late)
            if late in (SILENT, CLOSED):
                break
        return replies

    def until_sentinel(self, connection, seconds):
        replies = []
        while True:
            reply = connection.read(timeout=seconds)
            if SENTINEL in reply and len(reply) < 80:
                return replies
            replies.append(reply)
            if reply in (SILENT, CLOSED):
                return replies

    def fresh(self, raw):
        connection = Connection(self.port)
        try:
            connection.send(raw)
            connection.send(encode([b"PING", SENTINEL]))
            return b"".join(self.until_sentinel(connection, 0.6))
        finally:
            connection.close()

    def scan(self, options):
        """Every key that a whole iteration returns, or the first reply that is not a page."""
        connection = Connection(self.port)
        found, cursor = set(), b"0"
        try:
            for _ in range(100000):
                reply = connection.call("SCAN", cursor, *options)
                page = parse(reply)
                if page.kind != "*":
                    return reply
                cursor = page.items[0].text
                found.update(key.text for key in page.items[1].items)
                if cursor == b"0":
                    return b"keys:" + b" ".join(sorted(quote(k).encode() for k in found))
            return b"the iteration does not end"
        finally:
            connection.close()


def resolve(args):
    now = time.time()

    def text(match):
        base = int(now * 1000) if match[1] == b"ms" else int(now)
        return b"%d" % (base + int(match[2]))
    return [_now.sub(text, arg) for arg in args]


def execute(steps, oracle_port, ours_port, comparison):
    """(steps compared, Mismatch or None)."""
    oracle, ours = Side(oracle_port), Side(ours_port)
    queues = [None, None]
    try:
        for position, item in enumerate(steps):
            found = run_step(item, oracle, ours, queues, comparison)
            if found is not None:
                return position, Mismatch(position, item["args"], *found)
        first = oracle.drain()
        second = ours.drain(len(first))
        if sorted(first) != sorted(second):
            return len(steps), Mismatch(len(steps) - 1, [b"(messages)"], b"".join(first),
                                        b"".join(second), "messages")
        return len(steps), None
    finally:
        oracle.close()
        ours.close()


def run_step(item, oracle, ours, queues, comparison):
    args = resolve(item["args"])
    kind = item["kind"]
    if kind == "fresh":
        first, second = oracle.fresh(args[0]), ours.fresh(args[0])
        return None if same_stream(first, second) else (first, second, "stream")
    if kind == "scan":
        first, second = oracle.scan(args), ours.scan(args)
        return None if first == second else (first, second, "scan")
    pace(args)
    request, conn = encode(args), item["conn"]
    for side in (oracle, ours):
        side.connections[conn].send(request)
    if kind == "sub":
        first = oracle.drain()
        second = ours.drain(len(first))
        if len(first) == len(second) and all(
            comparison.same(args, x, y) for x, y in zip(first, second)
        ):
            return None
        if args[0].upper() == b"PUBLISH" and sorted(first) == sorted(second):
            # A RESP3 client's own message: before its reply in 7.0, behind it in 7.2 and here.
            return None
        if len(args) == 1 and same_farewell(first, second):
            return None
        return b"".join(first), b"".join(second), "subscriber"
    first, second = oracle.connections[conn].read(), ours.connections[conn].read()
    if item.get("sleep"):
        time.sleep(item["sleep"])
    if not same_reply(args, conn, first, second, queues, comparison):
        if args[0].upper() != b"DBSIZE" or not same_in_time(request, conn, oracle, ours):
            return first, second, "reply"
    if args and args[0].upper() in (b"PUBLISH", b"EXEC"):
        first = oracle.drain()
        second = ours.drain(len(first))
        if sorted(first) != sorted(second):
            return b"".join(first), b"".join(second), "messages"
    return None


def pace(args):
    """Waits when too many passwords were tried: the limit on guessers is not what is compared."""
    words = [arg.upper() for arg in args]
    if b"AUTH" not in words[:1] and not (words[:1] == [b"HELLO"] and b"AUTH" in words):
        return
    if len(_tries) == TRIES_PER_SECOND:
        time.sleep(max(0.0, _tries[0] + 1.1 - time.monotonic()))
    _tries.append(time.monotonic())


def same_in_time(request, conn, oracle, ours):
    """DBSIZE counts expired keys until they are reaped, on both sides: that happens some time."""
    for _ in range(40):
        for side in (oracle, ours):
            side.connections[conn].send(request)
        if oracle.connections[conn].read() == ours.connections[conn].read():
            return True
        time.sleep(0.025)
    return False


def same_reply(args, conn, first, second, queues, comparison):
    name = args[0].upper() if args else b""
    queue = queues[conn]
    if name == b"MULTI" and first == b"+OK\r\n":
        queues[conn] = []
    elif name in (b"EXEC", b"DISCARD", b"RESET"):
        queues[conn] = None
        if name == b"EXEC" and queue is not None:
            return comparison.same_exec(queue, first, second)
    elif queue is not None and first == b"+QUEUED\r\n":
        queue.append(args)
    return comparison.same(args, first, second)


def same_farewell(first, second):
    """UNSUBSCRIBE from everything: the names have no order, the counts do."""
    def parts(replies):
        nodes = [parse(reply) for reply in replies]
        if any(not node.items or len(node.items) != 3 for node in nodes):
            return None
        return (sorted((n.kind, n.items[0].raw, n.items[1].raw) for n in nodes),
                [n.items[2].raw for n in nodes])
    return len(first) == len(second) and parts(first) is not None and parts(first) == parts(second)


def same_stream(first, second):
    """Whole byte streams; HELLO's server, version and id are each server's own."""
    blank = re.compile(rb"(\$6\r\nserver\r\n\$\d+\r\n[^\r]*|\$7\r\nversion\r\n\$\d+\r\n[^\r]*|\$2\r\nid\r\n:\d+)")
    return blank.sub(b"", first) == blank.sub(b"", second)


def shrink(steps, differs, budget=300):
    """Leaves steps out, in ever smaller chunks, while the sequence still differs."""
    size = max(1, len(steps) // 2)
    while budget > 0:
        position, removed = 0, False
        while position < len(steps) and budget > 0:
            shorter = steps[:position] + steps[position + size:]
            budget -= 1
            if shorter and differs(shorter):
                steps, removed = shorter, True
            else:
                position += size
        if size == 1 and not removed:
            break
        size = max(1, size // 2)
    return steps
