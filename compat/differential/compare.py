"""When two replies are the same.

Byte for byte is the rule. The exceptions are listed here by command, each because the answer
contains time, identity or order that Redis itself does not promise: a remaining life may differ by
the milliseconds between the two calls, KEYS has no order, an id is any number. Deviations of ours
are not listed here but in differences.toml, counted, with a reason each.
"""

import re
import tomllib

import payload
from resp import parse, shape

MAX_DIFFERENCES = 20
TOLERANCE_MS = 60
MAY_DIFFER_IN_TEXT = re.compile(r"^(INFO|HELLO|CLIENT|COMMAND|CONFIG|LATENCY|SLOWLOG|MEMORY|OBJECT|LOLWUT|ACL)\b")


class Comparison:
    """Compares replies and keeps what only shows over many of them."""

    def __init__(self, allowed):
        self.allowed = allowed
        self.seconds_compared = 0
        self.seconds_rounded = 0

    def same(self, args, oracle, ours):
        return self.same_node(args, parse(oracle), parse(ours))

    def same_exec(self, queue, oracle, ours):
        """EXEC: each element by the rule of the command that was queued for it."""
        first, second = parse(oracle), parse(ours)
        if first.kind != "*" or second.kind != "*" or first.items is None or second.items is None:
            return self.same_node([b"EXEC"], first, second)
        if len(first.items) != len(second.items) or len(queue) != len(first.items):
            return first.raw == second.raw
        return all(
            self.same_node(a, x, y) or same_but_for_the_dead(a, x, y)
            for a, x, y in zip(queue, first.items, second.items)
        )

    def same_node(self, args, oracle, ours):
        if oracle.raw == ours.raw:
            return True
        rule = rule_of(args)
        if oracle.kind == ours.kind and oracle.kind not in "-x" and rule is not None:
            if rule(self, oracle, ours):
                return True
        return self.allowed.covers(args, oracle, ours)

    def seconds(self, oracle, ours):
        self.seconds_compared += 1
        apart = abs(int(oracle.text) - int(ours.text))
        if apart == 1 and int(oracle.text) > 0 and int(ours.text) > 0:
            # The two calls may fall on both sides of a rounding; always doing so is a bug.
            self.seconds_rounded += 1
            return True
        return apart == 0

    def rounding_is_rare(self):
        return self.seconds_rounded <= max(4, self.seconds_compared // 20)

    def milliseconds(self, oracle, ours):
        first, second = int(oracle.text), int(ours.text)
        return min(first, second) > 0 and abs(first - second) <= TOLERANCE_MS


def same_but_for_the_dead(args, oracle, ours):
    """DBSIZE inside EXEC cannot be asked again when expired keys are reaped: a few may be apart."""
    if args[0].upper() != b"DBSIZE" or oracle.kind != ":" or ours.kind != ":":
        return False
    return abs(int(oracle.text) - int(ours.text)) <= 3


def unordered(_, oracle, ours):
    return sorted(i.raw for i in oracle.items or []) == sorted(i.raw for i in ours.items or [])


def any_value(_, oracle, ours):
    return shape(oracle) == shape(ours)


def any_kind(_, oracle, ours):
    """The same type and both present or both absent: INFO's text, a list of clients."""
    return oracle.is_null() == ours.is_null()


def scan_page(_, oracle, ours):
    return shape(oracle)[:3] == shape(ours)[:3] and len(ours.items) == 2


def dumped(_, oracle, ours):
    if oracle.is_null() or ours.is_null():
        return False
    try:
        return payload.load(oracle.text) == payload.load(ours.text)
    except (ValueError, IndexError):
        return False


def setting_names(_, oracle, ours):
    """CONFIG GET: the names that exist on both sides; the values are each server's own."""
    wanted = sorted(name.text.lower() for name, _ in oracle.pairs())
    found = sorted(name.text.lower() for name, _ in ours.pairs())
    return set(wanted) <= set(found) and all(not v.is_null() for _, v in ours.pairs())


def hello_map(_, oracle, ours):
    first = {k.text: v for k, v in oracle.pairs()}
    second = {k.text: v for k, v in ours.pairs()}
    same_types = first.keys() == second.keys() and all(first[k].kind == second[k].kind for k in first)
    return same_types and all(first[k].raw == second[k].raw for k in (b"proto", b"mode", b"role"))


def client_line(_, oracle, ours):
    """The fields whose values depend on the sequence alone."""
    def fields(node):
        found = {}
        for word in (node.text or b"").split(b"\n")[0].split(b" "):
            name, _, value = word.partition(b"=")
            found[name] = value
        return found
    first, second = fields(oracle), fields(ours)
    same = (b"name", b"db", b"sub", b"psub", b"multi", b"user", b"cmd", b"flags")
    if b"txt:" in first or not first.get(b"id") and not first.get(b"txt:id"):
        return oracle.is_null() == ours.is_null()
    return first.keys() <= second.keys() and all(first.get(n) == second.get(n) for n in same)


def command_info(_, oracle, ours):
    """Name, arity, flags, key positions and categories; flags and categories have no order."""
    def entry(node):
        if node.is_null():
            return None
        part = node.items
        return (part[0].text, part[1].raw, sorted(f.text for f in part[2].items), part[3].raw,
                part[4].raw, part[5].raw, sorted(c.text for c in part[6].items))
    if len(oracle.items) != len(ours.items):
        return False
    return all(entry(x) == entry(y) for x, y in zip(oracle.items, ours.items))


RULES = {
    "TTL": Comparison.seconds, "EXPIRETIME": Comparison.seconds,
    "PTTL": Comparison.milliseconds, "PEXPIRETIME": Comparison.milliseconds,
    "KEYS": unordered, "SCAN": scan_page, "RANDOMKEY": any_value, "DUMP": dumped,
    "OBJECT IDLETIME": any_value, "OBJECT FREQ": any_value, "OBJECT HELP": any_kind,
    "PUBSUB CHANNELS": unordered, "PUBSUB HELP": any_kind,
    "CLIENT ID": any_value, "CLIENT INFO": client_line, "CLIENT LIST": any_kind, "CLIENT HELP": any_kind,
    "HELLO": hello_map, "CONFIG GET": setting_names, "CONFIG HELP": any_kind,
    "COMMAND INFO": command_info, "COMMAND COUNT": any_value, "COMMAND DOCS": any_kind,
    "COMMAND HELP": any_kind, "COMMAND LIST": unordered, "COMMAND": any_kind,
    "INFO": any_kind, "TIME": any_value, "LASTSAVE": any_value, "SLOWLOG LEN": any_value,
    "SLOWLOG GET": any_kind, "SLOWLOG HELP": any_kind, "LATENCY HELP": any_kind,
    "MEMORY USAGE": any_value, "MEMORY HELP": any_kind, "MEMORY STATS": any_kind,
    "MEMORY DOCTOR": any_kind, "CLUSTER INFO": any_kind, "ROLE": any_kind, "MODULE LIST": any_kind,
}


def rule_of(args):
    words = [a.decode("latin-1").upper() for a in args[:2]]
    return RULES.get(" ".join(words)) or RULES.get(words[0] if words else "")


class Difference:
    def __init__(self, entry):
        self.name, self.reason = entry["name"], entry["reason"]
        self.command = re.compile(entry["command"], re.S)
        self.oracle = re.compile(entry["oracle"], re.S)
        self.ours = re.compile(entry["ours"], re.S)
        self.used = 0


class Allowed:
    """The differences of differences.toml."""

    def __init__(self, path):
        with open(path, "rb") as file:
            entries = tomllib.load(file).get("difference", [])
        if len(entries) > MAX_DIFFERENCES:
            raise SystemExit("%s lists %d differences, at most %d are allowed"
                             % (path, len(entries), MAX_DIFFERENCES))
        for entry in entries:
            if len(entry.get("reason", "")) < 20:
                raise SystemExit("%s: %r has no reason" % (path, entry.get("name")))
        self.entries = [Difference(entry) for entry in entries]

    def covers(self, args, oracle, ours):
        if not may_be_allowed(args, oracle, ours):
            return False
        command = b" ".join(args).decode("latin-1")
        for entry in self.entries:
            if (entry.command.search(command) and entry.oracle.search(oracle.raw.decode("latin-1"))
                    and entry.ours.search(ours.raw.decode("latin-1"))):
                entry.used += 1
                return True
        return False

    def unused(self):
        return [entry.name for entry in self.entries if not entry.used]


def may_be_allowed(args, oracle, ours):
    """No entry of the list can excuse another value or another type of reply.

    What is left: the wording of an error, and texts about the server itself.
    """
    if oracle.kind != ours.kind:
        return False
    if oracle.kind == "-":
        return True
    command = b" ".join(args).decode("latin-1").upper()
    return bool(MAY_DIFFER_IN_TEXT.match(command)) and oracle.kind != "x"
