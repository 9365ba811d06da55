"""Random command sequences over the string half of Redis: valid, borderline and wrong.

A sequence is a list of steps on three connections: 0 and 1 send ordinary commands (two, so that
WATCH has somebody to lose to), 2 only subscribes. Nothing depends on an answer, so a sequence is
the same whenever its seed is, and any part of it can be left out when a failure is shrunk.

Step kinds:
  cmd    one command on connection 0 or 1, one reply
  sub    one command on the subscriber, any number of replies
  fresh  raw bytes on a new connection, everything that comes back until it is closed or answers
         the final PING
  scan   a whole SCAN iteration on a new connection, compared as a set

Offsets and lengths are bounded here, not in the servers: a sequence must not make either of them
allocate hundreds of megabytes.
"""

import random

import payload
from resp import encode

NOW = b"\x01now:"  # `NOW + b"s+100"` becomes the time of the step plus 100, in seconds or ms.

KEYS = [b"a", b"b", b"c", b"n", b"m", b"e", b"{t}1", b"{t}2", b"", b"k\x00\r\n\xff", b"missing"]
TEXTS = [
    b"", b"x", b"hello", b"hello world, this is more than forty-four bytes of text!",
    b"\x00", b"\xff\xfe\x00\x01", b"a\r\nb", b"%s%n", b"foobar", b"ohmytext", b"mynewtext",
    b"\xf0\x9f\x8e\x89", b"z" * 44, b"z" * 45, b"0123456789" * 30, b"\xff\xf0\x00", b"\x00\xff\xf0",
]
INTEGERS = [
    b"0", b"1", b"-1", b"7", b"10", b"42", b"100", b"-100", b"127", b"128", b"9999", b"10000",
    b"2147483647", b"-2147483648", b"9223372036854775806", b"9223372036854775807",
    b"-9223372036854775807", b"-9223372036854775808",
]
BAD_INTEGERS = [
    b"", b"abc", b"1.0", b" 1", b"1 ", b"+1", b"01", b"-0", b"0x10", b"1e3",
    b"9223372036854775808", b"-9223372036854775809", b"99999999999999999999", b"1\x00",
]
FLOATS = [
    b"0", b"1", b"-1", b"0.1", b"0.2", b"1.5", b"-2.25", b"3.0", b"1e3", b"1e-3", b"5.0e3",
    b"200", b"1e17", b"1e20", b"123456789.123", b"0.00000001", b"1e-10", b"10.50", b"-0.0", b"1e308",
]
BAD_FLOATS = [b"", b"abc", b"nan", b"inf", b"-inf", b"1 ", b" 1", b"1e400", b"0x1p3", b"1,5", b"infinity"]
BIT_OFFSETS = [b"0", b"1", b"5", b"7", b"8", b"9", b"15", b"63", b"64", b"100", b"1000", b"20000"]
BAD_OFFSETS = [b"-1", b"4294967296", b"9223372036854775807", b"abc", b"", b"1.5", b"-9223372036854775808"]
BYTE_OFFSETS = [b"0", b"1", b"2", b"5", b"10", b"44", b"300", b"2000"]
BAD_BYTE_OFFSETS = [b"-1", b"536870912", b"4294967296", b"9223372036854775807", b"abc", b""]
INDEXES = [b"0", b"1", b"2", b"3", b"5", b"10", b"-1", b"-2", b"-3", b"-10", b"100", b"-100",
           b"9223372036854775807", b"-9223372036854775808"]
SECONDS = [b"100", b"1000", b"86400", b"100000000"]
BAD_SECONDS = [b"0", b"-1", b"-100", b"abc", b"", b"1.5", b"9223372036854775807",
               b"9223372036854775808", b"-9223372036854775808", b"9223372036854775", b"92233720368547759"]
JUNK = [b"", b"foo", b"NX", b"XX", b"GET", b"EX", b"-1", b"0", b"1", b"KEEPTTL", b"abc", b"*",
        b"9223372036854775807", b"9223372036854775808", b"\x00\xff", b"1.5", b"GT", b"LT", b"px"]
FIELDS = [b"u8", b"i8", b"u1", b"i1", b"u63", b"i64", b"u16", b"i5", b"u32", b"i33"]
BAD_FIELDS = [b"u64", b"i65", b"u0", b"i0", b"x8", b"u", b"", b"u-1", b"8", b"i08"]
CHANNELS = [b"ch1", b"ch2", b"news.a", b"news.b", b"", b"c\x00\xff"]
PATTERNS = [b"*", b"news.*", b"ch?", b"ch[12]", b"", b"[^c]*", b"n*", b"\\*", b"?", b"[a-c]", b"a*b"]
COMMANDS = (
    b"get set setnx setex psetex getset getdel getex mget mset msetnx append strlen incr decr incrby "
    b"decrby incrbyfloat getrange substr setrange lcs setbit getbit bitcount bitpos bitop bitfield "
    b"bitfield_ro del unlink exists touch type expire pexpire expireat pexpireat ttl pttl expiretime "
    b"pexpiretime persist copy rename renamenx dump restore keys scan randomkey object ping echo "
    b"select client hello auth reset quit multi exec discard watch unwatch publish subscribe "
    b"unsubscribe psubscribe punsubscribe pubsub command config dbsize flushdb flushall info time wait"
).split()
SUBCOMMANDS = [b"object|encoding", b"client|id", b"client|setname", b"config|get", b"command|info",
               b"pubsub|channels", b"client|nosuch", b"get|x"]
SETTINGS = [b"maxmemory", b"maxclients", b"requirepass", b"timeout", b"save", b"appendonly",
            b"databases", b"slowlog-max-len", b"maxmemory-policy", b"appendfsync",
            b"slowlog-log-slower-than", b"proto-max-bulk-len", b"replica-read-only", b"port", b"bind"]

# Upper-case words are themselves, `{name}` draws, `?` before a group in `( )` makes it optional.
TEMPLATES = [
    ("SET {k} {v}", 20), ("SET {k} {i}", 12), ("SET {k} {v} {setopts}", 14), ("GET {k}", 14),
    ("SETNX {k} {v}", 3), ("SETEX {k} {sec} {v}", 3), ("PSETEX {k} {msec} {v}", 3),
    ("GETSET {k} {v}", 3), ("GETDEL {k}", 2), ("GETEX {k} {getexopts}", 6), ("GETEX {k}", 1),
    ("MGET {ks}", 4), ("MSET {kvs}", 4), ("MSETNX {kvs}", 3), ("APPEND {k} {v}", 6),
    ("STRLEN {k}", 3), ("INCR {k}", 6), ("DECR {k}", 4), ("INCRBY {k} {i}", 6),
    ("DECRBY {k} {i}", 6), ("INCRBYFLOAT {k} {f}", 8), ("SET {k} {f}", 3),
    ("GETRANGE {k} {x} {x}", 6), ("SUBSTR {k} {x} {x}", 2), ("SETRANGE {k} {y} {v}", 6),
    ("LCS {k} {k}", 2), ("LCS {k} {k} {lcsopts}", 4),
    ("SETBIT {k} {o} {bit}", 8), ("GETBIT {k} {o}", 4), ("BITCOUNT {k}", 2),
    ("BITCOUNT {k} {x} {x}", 3), ("BITCOUNT {k} {x} {x} {unit}", 4), ("BITPOS {k} {bit}", 2),
    ("BITPOS {k} {bit} {x}", 2), ("BITPOS {k} {bit} {x} {x}", 3),
    ("BITPOS {k} {bit} {x} {x} {unit}", 4), ("BITOP {bitop} {k} {ks}", 6),
    ("BITFIELD {k} {fields}", 12), ("BITFIELD_RO {k} {rofields}", 4),
    ("DEL {ks}", 4), ("UNLINK {ks}", 2), ("EXISTS {ks}", 4), ("TOUCH {ks}", 2), ("TYPE {k}", 3),
    ("EXPIRE {k} {sec}", 4), ("EXPIRE {k} {sec} {expopts}", 5), ("PEXPIRE {k} {msec} {expopts}", 3),
    ("EXPIREAT {k} {at}", 3), ("EXPIREAT {k} {at} {expopts}", 2), ("PEXPIREAT {k} {atms}", 3),
    ("PEXPIREAT {k} {atms} {expopts}", 2), ("TTL {k}", 6), ("PTTL {k}", 4), ("EXPIRETIME {k}", 3),
    ("PEXPIRETIME {k}", 3), ("PERSIST {k}", 3),
    ("COPY {k} {k} {copyopts}", 5), ("COPY {k} {k}", 2), ("RENAME {k} {k}", 4),
    ("RENAMENX {k} {k}", 3), ("MOVE {k} {db}", 1), ("OBJECT ENCODING {k}", 7), ("OBJECT REFCOUNT {k}", 1),
    ("OBJECT IDLETIME {k}", 1), ("OBJECT FREQ {k}", 1), ("OBJECT {junk} {k}", 1),
    ("DUMP {k}", 4), ("RESTORE {k} {rttl} {payload} {restoreopts}", 6),
    ("KEYS {pattern}", 3), ("SCAN {cursor} {scanopts}", 3), ("RANDOMKEY", 1), ("DBSIZE", 3),
    ("FLUSHDB {flush}", 1), ("FLUSHALL {flush}", 1), ("FLUSHDB", 1),
    ("PING", 2), ("PING {v}", 1), ("ECHO {v}", 2), ("SELECT {db}", 4), ("CLIENT ID", 1),
    ("CLIENT GETNAME", 2), ("CLIENT SETNAME {name}", 3), ("CLIENT INFO", 1), ("CLIENT LIST", 1),
    ("CLIENT LIST TYPE {ctype}", 1), ("CLIENT LIST ID {i}", 1), ("CLIENT KILL {killopts}", 2),
    ("CLIENT NO-EVICT {onoff}", 1), ("CLIENT PAUSE {junk}", 1), ("CLIENT UNPAUSE", 1),
    ("CLIENT UNBLOCK {i} {unblock}", 1), ("CLIENT REPLY {junk}", 1), ("CLIENT {junk}", 1), ("CLIENT", 1),
    ("AUTH {v}", 1), ("AUTH {v} {v}", 1), ("HELLO", 1), ("HELLO {hello}", 2), ("RESET", 1),
    ("MULTI", 9), ("EXEC", 9), ("DISCARD", 2), ("WATCH {ks}", 5), ("UNWATCH", 2),
    ("PUBLISH {channel} {v}", 6), ("PUBSUB CHANNELS", 1), ("PUBSUB CHANNELS {pattern}", 2),
    ("PUBSUB NUMSUB {channels}", 2), ("PUBSUB NUMSUB", 1), ("PUBSUB NUMPAT", 1), ("PUBSUB {junk}", 1),
    ("COMMAND GETKEYS {getkeys}", 4), ("COMMAND INFO {infos}", 2), ("COMMAND COUNT", 1),
    ("COMMAND LIST FILTERBY PATTERN {cpattern}", 1), ("COMMAND {junk}", 1), ("COMMAND DOCS get", 1),
    ("CONFIG GET {setting}", 2), ("CONFIG GET {setting} {setting}", 1), ("CONFIG SET {nosuch} {v}", 1),
    ("CONFIG {junk}", 1), ("CONFIG RESETSTAT", 1), ("INFO {section}", 1), ("TIME", 1), ("LASTSAVE", 1),
    ("WAIT 0 0", 1), ("WAIT {wait}", 1), ("SLOWLOG LEN", 1), ("SLOWLOG {junk}", 1), ("LATENCY {junk}", 1),
    ("MEMORY USAGE {k}", 1), ("MEMORY {junk}", 1), ("ACL WHOAMI", 1), ("ROLE", 1), ("{unknown}", 3),
    # READONLY and READWRITE mean something here without a cluster: they are verbs of our own.
    ("CLUSTER INFO", 1), ("MODULE LIST", 1),
]


class Generator:
    def __init__(self, seed, index, without=(), only=()):
        self.random = random.Random("%s/%s" % (seed, index))
        self.in_multi = [False, False]
        self.protocol = 3 if self.random.random() < 0.5 else 2
        chosen = []
        for text, weight in TEMPLATES:
            name = text.split()[0]
            if name not in without and (not only or name in only):
                chosen.append((text, weight))
        self.templates, self.weights = zip(*chosen)
        self.names = {text.split()[0].encode() for text in self.templates}
        self.pubsub = not only or "SUBSCRIBE" in only
        self.fresh_steps = not only or "PROTOCOL" in only
        # A few keys per sequence make collisions, and so behaviour, likely.
        self.keys = self.random.sample(KEYS, 4)

    def sequence(self, count):
        steps = []
        if self.protocol == 3:
            steps += [step("cmd", [b"HELLO", b"3"], conn) for conn in (0, 1)]
            if self.random.random() < 0.7:
                steps.append(step("sub", [b"HELLO", b"3"], 2))
        while len(steps) < count:
            steps += self.steps()
        return steps

    def steps(self):
        draw = self.random.random()
        if draw < 0.04 and self.pubsub:
            return [step("sub", self.subscriber_command(), 2)]
        if draw < 0.06 and self.fresh_steps:
            return [{"kind": "fresh", "conn": 3, "args": [self.raw()]}]
        if draw < 0.07 and self.fresh_steps:
            return [{"kind": "scan", "conn": 3, "args": self.fill("{scanopts}")}]
        conn = 0 if self.random.random() < 0.8 else 1
        if draw < 0.085 and not self.in_multi[conn]:
            return self.short_expiry(conn)
        text = self.random.choices(self.templates, self.weights)[0]
        args = self.mutate(self.fill(text))
        name = args[0].upper()
        if name == b"MULTI":
            self.in_multi[conn] = True
        elif name in (b"EXEC", b"DISCARD", b"RESET"):
            self.in_multi[conn] = False
        return [step("cmd", args, conn)]

    def short_expiry(self, conn):
        """A deadline that passes: asked about only well after it."""
        key = self.choice(self.keys)
        value = self.choice(TEXTS)
        first = self.choice([
            [b"SET", key, value, b"PX", b"5"], [b"PSETEX", key, b"4", value],
            [b"GETEX", key, b"PX", b"3"], [b"PEXPIRE", key, b"2"],
            [b"SET", key, value, b"PXAT", NOW + b"ms+4"], [b"PEXPIREAT", key, NOW + b"ms+3"],
        ])
        if first[0] not in self.names:
            return []
        done = step("cmd", first, conn)
        done["sleep"] = 0.02
        return [done, step("cmd", [b"EXISTS", key], conn)]

    def choice(self, options):
        return options[self.random.randrange(len(options))]

    def mostly(self, good, bad, share=0.12):
        return self.choice(bad) if self.random.random() < share else self.choice(good)

    def mutate(self, args):
        draw = self.random.random()
        if draw < 0.05:
            # The letter case of command and options must not matter.
            return [args[0].lower() if self.random.random() < 0.5 else args[0].title()] + [
                a.lower() if self.random.random() < 0.5 else a for a in args[1:]
            ]
        if draw < 0.075 and len(args) > 1:
            del args[self.random.randrange(1, len(args))]
        elif draw < 0.09:
            args.append(self.choice(JUNK))
        elif draw < 0.105 and len(args) > 1:
            args[self.random.randrange(1, len(args))] = self.choice(JUNK)
        elif draw < 0.11 and len(args) > 1:
            args = args[:1]
        if args[0].upper() in (b"CLIENT", b"WAIT"):
            return tame(args)
        return args

    def fill(self, text):
        args = []
        for word in text.split():
            if word.startswith("{"):
                drawn = getattr(self, "draw_" + word[1:-1])()
                args += drawn if isinstance(drawn, list) else [drawn]
            else:
                args.append(word.encode())
        return args

    # What the templates draw.

    def draw_k(self):
        return self.choice(self.keys) if self.random.random() < 0.93 else self.choice(KEYS)

    def draw_ks(self):
        return [self.draw_k() for _ in range(self.choice([1, 1, 2, 3]))]

    def draw_kvs(self):
        args = []
        for _ in range(self.choice([1, 2, 3])):
            args += [self.draw_k(), self.draw_v()]
        return args

    def draw_v(self):
        draw = self.random.random()
        if draw < 0.15:
            return self.choice(INTEGERS)
        if draw < 0.25:
            return bytes(self.random.randrange(256) for _ in range(self.random.randrange(20)))
        return self.choice(TEXTS)

    def draw_i(self):
        if self.random.random() < 0.5:
            return b"%d" % self.random.randrange(-200, 200)
        return self.mostly(INTEGERS, BAD_INTEGERS, 0.2)

    def draw_f(self):
        if self.random.random() < 0.3:
            return b"%.*f" % (self.random.randrange(6), self.random.uniform(-1000, 1000))
        return self.mostly(FLOATS, BAD_FLOATS, 0.15)

    def draw_x(self):
        return self.mostly(INDEXES, BAD_INTEGERS, 0.06)

    def draw_y(self):
        return self.mostly(BYTE_OFFSETS, BAD_BYTE_OFFSETS)

    def draw_o(self):
        return self.mostly(BIT_OFFSETS, BAD_OFFSETS)

    def draw_bit(self):
        return self.mostly([b"0", b"1"], [b"2", b"-1", b"", b"abc", b"01"], 0.08)

    def draw_unit(self):
        return self.mostly([b"BIT", b"BYTE"], [b"BITS", b"", b"FOO"], 0.1)

    def draw_bitop(self):
        return self.mostly([b"AND", b"OR", b"XOR", b"NOT"], [b"NAND", b"", b"FOO"], 0.08)

    def draw_sec(self):
        return self.mostly(SECONDS, BAD_SECONDS, 0.25)

    def draw_msec(self):
        return self.mostly([b"100000", b"86400000", b"12345678"], BAD_SECONDS, 0.25)

    def draw_at(self):
        return self.mostly([NOW + b"s+100", NOW + b"s+86400", b"4102444800"],
                           [NOW + b"s-100", b"1"] + BAD_SECONDS, 0.3)

    def draw_atms(self):
        return self.mostly([NOW + b"ms+100000", NOW + b"ms+86400000", b"4102444800000"],
                           [NOW + b"ms-100", b"1"] + BAD_SECONDS, 0.3)

    def draw_expopts(self):
        flags = [b"NX", b"XX", b"GT", b"LT"]
        return [self.mostly(flags, [b"FOO", b""], 0.08) for _ in range(self.choice([1, 1, 1, 2]))]

    def deadline(self):
        return self.choice([
            [b"EX", self.draw_sec()], [b"PX", self.draw_msec()],
            [b"EXAT", self.draw_at()], [b"PXAT", self.draw_atms()],
        ])

    def draw_setopts(self):
        args = []
        for _ in range(self.choice([1, 1, 2, 2, 3])):
            args += self.choice([
                [b"NX"], [b"XX"], [b"GET"], [b"KEEPTTL"], self.deadline(), self.deadline(),
                [self.choice(JUNK)],
            ])
        return args

    def draw_getexopts(self):
        return self.choice([self.deadline(), self.deadline(), [b"PERSIST"], [b"PERSIST", b"PERSIST"],
                            self.deadline() + [b"PERSIST"], [self.choice(JUNK)]])

    def draw_lcsopts(self):
        args = []
        for _ in range(self.choice([1, 2, 3])):
            args += self.choice([[b"LEN"], [b"IDX"], [b"WITHMATCHLEN"],
                                 [b"MINMATCHLEN", self.draw_i()], [b"IDX"], [b"MINMATCHLEN"]])
        return args

    def draw_fields(self):
        args = []
        for _ in range(self.choice([1, 1, 2, 3, 4])):
            kind = self.choice([b"GET", b"SET", b"SET", b"INCRBY", b"INCRBY", b"OVERFLOW"])
            if kind == b"OVERFLOW":
                args += [kind, self.mostly([b"WRAP", b"SAT", b"FAIL"], [b"FOO", b""], 0.06)]
                continue
            args += [kind, self.mostly(FIELDS, BAD_FIELDS, 0.07), self.draw_field_offset()]
            if kind != b"GET":
                args.append(self.draw_i())
        return args

    def draw_rofields(self):
        args = []
        for _ in range(self.choice([1, 2])):
            args += [self.mostly([b"GET"], [b"SET", b"FOO"], 0.1), self.mostly(FIELDS, BAD_FIELDS, 0.1),
                     self.draw_field_offset()]
        return args

    def draw_field_offset(self):
        return self.mostly([b"0", b"1", b"3", b"8", b"#0", b"#1", b"#3", b"100", b"1000"],
                           BAD_OFFSETS + [b"#", b"#-1", b"#abc", b"#9223372036854775807"], 0.08)

    def draw_copyopts(self):
        return self.choice([[b"REPLACE"], [b"DB", self.draw_db()], [b"DB", self.draw_db(), b"REPLACE"],
                            [b"DB"], [self.choice(JUNK)], [b"REPLACE", b"REPLACE"]])

    def draw_db(self):
        return self.mostly([b"0", b"1", b"15", b"0"], [b"16", b"-1", b"abc", b"", b"2147483648"], 0.15)

    def draw_rttl(self):
        return self.mostly([b"0", b"0", b"100000"], [b"-1", b"abc", b"9223372036854775807"], 0.1)

    def draw_payload(self):
        value = self.draw_v()
        sealed = self.choice([
            payload.dump(value), payload.dump(value, 9), payload.dump(value, 6),
            payload.dump_integer(self.random.randrange(-300, 300)),
            payload.dump_integer(self.random.randrange(-70000, 70000)),
        ])
        draw = self.random.random()
        if draw < 0.08:
            return sealed[:-1] + bytes([sealed[-1] ^ 1])
        if draw < 0.12:
            return payload.dump(value, 99)
        if draw < 0.16:
            return sealed[: self.random.randrange(len(sealed))]
        return sealed

    def draw_restoreopts(self):
        return self.choice([[], [], [b"REPLACE"], [b"REPLACE"], [b"REPLACE", b"ABSTTL"],
                            [b"IDLETIME", b"10"], [b"FREQ", b"5"], [b"IDLETIME", b"-1"],
                            [b"FREQ", b"256"], [self.choice(JUNK)], [b"ABSTTL"]])

    def draw_pattern(self):
        return self.choice(PATTERNS)

    def draw_cursor(self):
        return self.mostly([b"0"], [b"abc", b"", b"1x", b"1.5"], 0.3)

    def draw_scanopts(self):
        args = []
        for _ in range(self.choice([0, 0, 1, 2])):
            args += self.choice([
                [b"MATCH", self.choice(PATTERNS)], [b"COUNT", self.mostly([b"1", b"10", b"1000"],
                 [b"0", b"-1", b"abc"], 0.15)], [b"TYPE", self.choice([b"string", b"STRING", b"hash", b"foo"])],
                [self.choice([b"MATCH", b"COUNT", b"TYPE", b"FOO"])],
            ])
        return args

    def draw_flush(self):
        return self.mostly([b"SYNC", b"ASYNC", b"async"], [b"FOO", b""], 0.3)

    def draw_name(self):
        return self.mostly([b"alice", b"bob", b"", b"a:b-c_d"], [b"a b", b"a\nb", b"\xff", b"\x00"], 0.3)

    def draw_ctype(self):
        return self.mostly([b"normal", b"pubsub", b"master", b"replica"], [b"foo", b""], 0.3)

    def draw_killopts(self):
        return self.choice([[b"127.0.0.1:1"], [b"ID", b"999999999"], [b"ADDR", b"127.0.0.1:1"],
                            [b"ID", b"abc"], [b"TYPE", b"foo"], [b"FOO", b"bar"], [b"LADDR", b"1.2.3.4:5"],
                            [b"ID", b"-1"], [b"ID"], [b"SKIPME", b"maybe"], [b"USER", b"nobody"], []])

    def draw_onoff(self):
        return self.choice([b"on", b"off", b"OFF", b"maybe", b""])

    def draw_unblock(self):
        return self.choice([[], [b"TIMEOUT"], [b"ERROR"], [b"FOO"]])

    def draw_hello(self):
        return self.choice([[b"2"], [b"3"], [b"3"], [b"1"], [b"4"], [b"abc"], [b"2", b"SETNAME", b"h"],
                            [b"3", b"SETNAME", b"h"], [b"3", b"AUTH", b"default", b"x"],
                            [b"3", b"AUTH", b"nobody", b"x"], [b"3", b"SETNAME"], [b"3", b"FOO"],
                            [b"3", b"SETNAME", b"a b"], [b"-1"], [b""]])

    def draw_channel(self):
        return self.choice(CHANNELS)

    def draw_channels(self):
        return [self.choice(CHANNELS) for _ in range(self.choice([1, 2]))]

    def draw_getkeys(self):
        text = self.random.choices(self.templates, self.weights)[0]
        return self.mutate(self.fill(text))

    def draw_infos(self):
        names = [self.choice(COMMANDS) for _ in range(self.choice([1, 2]))]
        return names + self.choice([[], [], [b"nosuch"], [self.choice(SUBCOMMANDS)]])

    def draw_cpattern(self):
        return self.choice([b"get*", b"set*", b"*bit*", b"nosuch*", b"expire*", b"GET"])

    def draw_setting(self):
        return self.mostly(SETTINGS, [b"nosuch", b"", b"maxmem*", b"MAXMEMORY", b"time?ut"], 0.2)

    def draw_nosuch(self):
        return self.choice([b"nosuch", b"", b"no such", b"nosuch2"])

    def draw_section(self):
        return self.choice([b"server", b"clients", b"keyspace", b"replication", b"nosuch", b"everything"])

    def draw_wait(self):
        return self.choice([[b"0"], [b"abc", b"0"], [b"0", b"abc"], [b"0", b"-1"], [b"1", b"1"], [b"-1", b"0"]])

    def draw_junk(self):
        return self.choice([b"NOSUCH", b"nosuch", b"", b"no such", b"\xff\x00", b"N" * 200])

    def draw_unknown(self):
        name = self.choice([b"NOSUCH", b"nosuch", b"foo bar", b"\xff\xfe", b"get2", b"A" * 150, b"a\r\nb"])
        count = self.choice([0, 0, 1, 2, 3, 30])
        return [name] + [self.choice(TEXTS) for _ in range(count)]

    def subscriber_command(self):
        draw = self.random.random()
        if draw < 0.35:
            return [b"SUBSCRIBE"] + self.draw_channels()
        if draw < 0.55:
            return [b"PSUBSCRIBE"] + [self.choice(PATTERNS) for _ in range(self.choice([1, 2]))]
        if draw < 0.7:
            return [self.choice([b"UNSUBSCRIBE", b"PUNSUBSCRIBE"])]
        if draw < 0.85:
            return [self.choice([b"UNSUBSCRIBE", b"PUNSUBSCRIBE"])] + self.draw_channels()
        return self.choice([[b"PING"], [b"PING", b"x"], [b"GET", b"a"], [b"NOSUCH"], [b"RESET"],
                            [b"SUBSCRIBE"], [b"PING", b"a", b"b"], [b"SET", b"a", b"1"], [b"MULTI", b"x"],
                            [b"get"], [b"PUBLISH", b"ch1", b"self"], [b"CLIENT", b"GETNAME"]])

    def raw(self):
        """Bytes of a whole short connection: inline commands, pipelines, protocol errors."""
        value = self.choice([b"v", b"1", b"xyz"])
        whole = self.choice([
            b"PING\r\n", b"PING\n", b"  PING  \r\n", b"\r\n\r\nPING\r\n", b"SET a 'x y'\r\nGET a\r\n",
            b'SET a "x\\x41\\n"\r\nGET a\r\n', b'SET a "x\r\n', b"SET a 'x\r\n", b'SET a "x"y\r\n',
            b"GET 'a\r\n", b"ECHO ''\r\n", b"*0\r\nPING\r\n", b"*-1\r\nPING\r\n", b"*1\r\n$4\r\nPING\r\n",
            b"*1\r\n#4\r\nPING\r\n", b"*1\r\n$-1\r\n", b"*1\r\n$abc\r\n", b"*abc\r\n",
            b"*2147483648\r\n", b"*1\r\n$536870913\r\n", b"*1\r\n:1\r\n", b"*1\r\nPING\r\n",
            b"nosuch a b\r\n", b"*\r\n", b"*1\r\n$\r\n",
            b"*2\r\n$3\r\nGET\r\n$0\r\n\r\n", b"*1\r\n$0\r\n\r\n", b"GET\r\n", b"quit\r\nPING\r\n",
            encode([b"QUIT"]) + encode([b"PING"]), encode([b"RESET"]) + encode([b"GET", b"a"]),
            encode([b"HELLO", b"3"]) + encode([b"GET", b"missing"]) + encode([b"HELLO", b"2"])
            + encode([b"GET", b"missing"]),
            encode([b"CLIENT", b"REPLY", b"OFF"]) + encode([b"SET", b"a", value])
            + encode([b"CLIENT", b"REPLY", b"ON"]) + encode([b"GET", b"a"]),
            encode([b"CLIENT", b"REPLY", b"SKIP"]) + encode([b"SET", b"a", value]) + encode([b"GET", b"a"]),
            encode([b"MULTI"]) + encode([b"SUBSCRIBE"]) + encode([b"EXEC"]),
            encode([b"MULTI"]) + encode([b"GET", b"a"]) + encode([b"RESET"]) + encode([b"EXEC"]),
            encode([b"SUBSCRIBE", b"x"]) + encode([b"GET", b"a"]) + encode([b"UNSUBSCRIBE"]) + encode([b"GET", b"a"]),
            encode([b"HELLO", b"3"]) + encode([b"SUBSCRIBE", b"x"]) + encode([b"GET", b"a"])
            + encode([b"PING", b"y"]),
        ])
        if self.random.random() < 0.3:
            args = self.mutate(self.fill(self.choice(["SET {k} {v}", "GET {k}", "INCR {k}", "APPEND {k} {v}"])))
            whole = encode(args) * self.choice([1, 2, 3]) + whole
        return whole


def tame(args):
    """Keeps a mutation from pausing the server, silencing the connection, or waiting for ever."""
    words = [a.upper() for a in args]
    if words[0] == b"WAIT" and len(args) == 3 and words[2] not in (b"1", b"ABC", b"-1") and words[1] != b"0":
        return [b"WAIT", b"0", b"0"]
    if words[:2] == [b"CLIENT", b"PAUSE"] and len(args) > 2 and words[2].isdigit():
        return [b"CLIENT", b"PAUSE", b"abc"]
    if words[:2] == [b"CLIENT", b"REPLY"] and len(args) > 2 and words[2] in (b"OFF", b"SKIP", b"ON"):
        return [b"CLIENT", b"REPLY", b"FOO"]
    return args


def step(kind, args, conn):
    return {"kind": kind, "conn": conn, "args": args}
