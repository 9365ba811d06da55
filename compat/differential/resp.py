"""A RESP client that keeps the bytes of every reply.

A library would parse replies into values and so hide exactly what this suite compares: whether an
answer was `$-1` or `*-1` or `_`, `:1` or `#t`. Nothing here interprets more than it must to find
where a reply ends.
"""

import re
import socket

CLOSED = b"<connection closed>"
SILENT = b"<no reply>"


def encode(args):
    """One command as RESP."""
    parts = [b"*%d\r\n" % len(args)]
    for arg in args:
        parts.append(b"$%d\r\n%s\r\n" % (len(arg), arg))
    return b"".join(parts)


class Closed(Exception):
    """The server closed the connection."""


class Connection:
    def __init__(self, port, timeout=10.0):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.timeout = timeout
        self.buffer = b""
        self.closed = False

    def send(self, data):
        if self.closed:
            return
        try:
            self.socket.sendall(data)
        except OSError:
            # What was already received can still be read: the close shows up there.
            pass

    def _fill(self):
        try:
            data = self.socket.recv(65536)
        except socket.timeout:
            raise
        except OSError:
            data = b""
        if not data:
            raise Closed
        self.buffer += data

    def read(self, timeout=None):
        """The bytes of the next whole reply; CLOSED or SILENT when there is none."""
        if self.closed:
            return CLOSED
        if timeout is not None:
            self.socket.settimeout(timeout)
        try:
            while True:
                end = reply_end(self.buffer, 0)
                if end is not None:
                    reply, self.buffer = self.buffer[:end], self.buffer[end:]
                    return reply
                self._fill()
        except Closed:
            self.closed = True
            return CLOSED
        except socket.timeout:
            return SILENT
        finally:
            if timeout is not None:
                self.socket.settimeout(self.timeout)

    def call(self, *args):
        self.send(encode([a if isinstance(a, bytes) else str(a).encode() for a in args]))
        return self.read()

    def close(self):
        self.closed = True
        self.socket.close()


def reply_end(data, start):
    """Where the reply that begins at `start` ends, or None when it is not all there."""
    line_end = data.find(b"\r\n", start)
    if line_end < 0:
        return None
    kind = data[start:start + 1]
    after = line_end + 2
    if kind in b"+-:,#_(":
        return after
    if kind not in b"$=!*~>%|":
        raise ValueError("not a reply: %r" % data[start:start + 60])
    count = int(data[start + 1:line_end])
    if count < 0:
        return after
    if kind in b"$=!":
        end = after + count + 2
        return end if len(data) >= end else None
    if kind in b"%|":
        count *= 2
    if kind == b"|":
        count += 1
    for _ in range(count):
        after = reply_end(data, after)
        if after is None:
            return None
    return after


class Node:
    """A parsed reply: its type byte, its own text, its children, its bytes."""

    __slots__ = ("kind", "text", "items", "raw")

    def __init__(self, kind, text, items, raw):
        self.kind, self.text, self.items, self.raw = kind, text, items, raw

    def is_null(self):
        return self.kind == "_" or (self.text is None and self.items is None)

    def pairs(self):
        """A map, or the flat array that stands for one in RESP2."""
        items = self.items or []
        return list(zip(items[0::2], items[1::2]))


def parse(raw):
    if raw in (CLOSED, SILENT):
        return Node("x", raw, None, raw)
    node, _ = _parse(raw, 0)
    return node


def _parse(data, start):
    line_end = data.find(b"\r\n", start)
    kind = chr(data[start])
    line = data[start + 1:line_end]
    after = line_end + 2
    if kind in "+-:,#(":
        return Node(kind, line, None, data[start:after]), after
    if kind == "_":
        return Node(kind, None, None, data[start:after]), after
    count = int(line)
    if count < 0:
        return Node(kind, None, None, data[start:after]), after
    if kind in "$=!":
        end = after + count
        return Node(kind, data[after:end], None, data[start:end + 2]), end + 2
    items = []
    for _ in range(count * 2 if kind == "%" else count):
        item, after = _parse(data, after)
        items.append(item)
    return Node(kind, None, items, data[start:after]), after


def shape(node):
    """The reply's types without its values: what `same type` means in this suite."""
    if node.items is None:
        return node.kind + ("0" if node.is_null() else "")
    return node.kind + "(" + "".join(shape(item) for item in node.items) + ")"


SAFE = re.compile(rb"^[A-Za-z0-9_:.,*?+\-\[\](){}|/=#@!<>^&%]+$")


def quote(arg):
    """An argument as redis-cli would take it on its prompt."""
    if SAFE.match(arg):
        return arg.decode()
    out = []
    for byte in arg:
        char = chr(byte)
        if char in '"\\':
            out.append("\\" + char)
        elif 32 <= byte < 127:
            out.append(char)
        else:
            out.append("\\x%02x" % byte)
    return '"' + "".join(out) + '"'
