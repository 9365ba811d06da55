"""DUMP payloads of strings: made here to feed RESTORE, taken apart here to compare DUMP.

Two servers may choose differently between a plain and a compressed string, and between two
versions of the format; what they must agree on is the value, and that the checksum is right.
"""

import struct

_POLYNOMIAL = 0x95AC9329AC4BC9B5  # CRC-64/Jones, reflected.


def _table():
    table = []
    for value in range(256):
        for _ in range(8):
            value = (value >> 1) ^ (_POLYNOMIAL if value & 1 else 0)
        table.append(value)
    return table


_TABLE = _table()


def crc64(data):
    crc = 0
    for byte in data:
        crc = _TABLE[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    return crc


def seal(body, version=10):
    """Adds the format's version and the checksum."""
    body += struct.pack("<H", version)
    return body + struct.pack("<Q", crc64(body))


def length(count):
    if count < 64:
        return bytes([count])
    if count < 16384:
        return bytes([0x40 | count >> 8, count & 0xFF])
    return b"\x80" + struct.pack(">I", count)


def dump(value, version=10):
    """A payload holding `value` as a plain string."""
    return seal(b"\x00" + length(len(value)) + value, version)


def dump_integer(number, version=10):
    """A payload holding a small integer in the format's own integer encoding."""
    if -128 <= number < 128:
        return seal(b"\x00\xc0" + struct.pack("<b", number), version)
    if -32768 <= number < 32768:
        return seal(b"\x00\xc1" + struct.pack("<h", number), version)
    return seal(b"\x00\xc2" + struct.pack("<i", number), version)


def load(payload):
    """The string in a payload; ValueError when it is not one or its checksum is wrong."""
    if len(payload) < 11 or crc64(payload[:-8]) != struct.unpack("<Q", payload[-8:])[0]:
        raise ValueError("wrong checksum")
    if payload[0] != 0:
        raise ValueError("not a string")
    body = payload[1:-10]
    kind = body[0] >> 6
    if kind == 3:
        form = body[0] & 63
        if form < 3:
            layout = "<b" if form == 0 else "<h" if form == 1 else "<i"
            return b"%d" % struct.unpack(layout, body[1:])[0]
        compressed, at = _length(body, 1)
        plain, at = _length(body, at)
        value = _decompress(body[at:at + compressed])
        if len(value) != plain:
            raise ValueError("wrong length")
        return value
    count, at = _length(body, 0)
    if len(body) != at + count:
        raise ValueError("wrong length")
    return body[at:]


def _length(data, at):
    first = data[at]
    if first >> 6 == 0:
        return first & 63, at + 1
    if first >> 6 == 1:
        return (first & 63) << 8 | data[at + 1], at + 2
    if first == 0x80:
        return struct.unpack(">I", data[at + 1:at + 5])[0], at + 5
    return struct.unpack(">Q", data[at + 1:at + 9])[0], at + 9


def _decompress(data):
    """LZF: literal runs and back references."""
    out, at = bytearray(), 0
    while at < len(data):
        control = data[at]
        at += 1
        if control < 32:
            out += data[at:at + control + 1]
            at += control + 1
            continue
        count = control >> 5
        if count == 7:
            count += data[at]
            at += 1
        back = len(out) - ((control & 31) << 8 | data[at]) - 1
        at += 1
        for _ in range(count + 2):
            out.append(out[back])
            back += 1
    return bytes(out)
