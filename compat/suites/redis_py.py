"""redis-py 8, synchronous, in RESP2 and RESP3: keys and values, results compared."""

import datetime
import os
import threading
import time

import redis

from harness import HOST, PORT, case, cases, equal, key, main, raises, wait_until

BOTH = cases(2, 3)
MEGABYTE = 1 << 20


def client(protocol=3, **options):
    return redis.Redis(host=HOST, port=PORT, protocol=protocol, **options)


@BOTH
def strings(protocol):
    r, name = client(protocol), key()
    equal(r.get(name), None)
    equal(r.set(name, "value"), True)
    equal(r.get(name), b"value")
    equal(r.append(name, "+"), 6)
    equal(r.strlen(name), 6)
    equal(r.getrange(name, 1, 3), b"alu")
    equal(r.getrange(name, -2, -1), b"e+")
    equal(r.setrange(name, 8, "end"), 11)
    equal(r.get(name), b"value+\0\0end")
    equal(r.getset(name, "new"), b"value+\0\0end")
    equal(r.type(name), b"string")
    equal(r.delete(name, key("none")), 1)
    equal(r.exists(name), 0)
    equal(r.type(name), b"none")


@BOTH
def set_options(protocol):
    r, name = client(protocol), key()
    equal(r.set(name, 1, xx=True), None)
    equal(r.set(name, 1, nx=True), True)
    equal(r.set(name, 2, nx=True), None)
    equal(r.set(name, 3, xx=True, get=True), b"1")
    equal(r.set(name, 4, ex=100), True)
    equal(r.ttl(name) in (99, 100), True)
    equal(r.set(name, 5, keepttl=True), True)
    equal(r.ttl(name) in (99, 100), True)
    equal(r.set(name, 6), True)
    equal(r.ttl(name), -1)
    equal(r.set(name, 7, px=100_000), True)
    equal(90_000 < r.pttl(name) <= 100_000, True)
    equal(r.set(name, 8, exat=int(time.time()) + 50), True)
    equal(48 <= r.ttl(name) <= 50, True)
    equal(r.set(name, 9, pxat=int(time.time() * 1000) + 70_000), True)
    equal(68 <= r.ttl(name) <= 70, True)
    equal(r.set(name, 10, ex=datetime.timedelta(minutes=2)), True)
    equal(118 <= r.ttl(name) <= 120, True)
    equal(r.setnx(name, 1), False)
    equal(r.setex(name, 30, "x"), True)
    equal(r.psetex(name, 30_000, "y"), True)
    equal(r.ttl(name) in (29, 30), True)
    raises(redis.ResponseError, "invalid expire time in 'set' command", r.set, name, 1, ex=0)
    raises(redis.ResponseError, "invalid expire time in 'setex' command", r.setex, name, -1, 1)


@BOTH
def counters(protocol):
    r, name = client(protocol), key()
    equal(r.incr(name), 1)
    equal(r.incr(name, 41), 42)
    equal(r.decr(name), 41)
    equal(r.decrby(name, 50), -9)
    equal(r.incrbyfloat(name, 0.5), -8.5)
    equal(r.get(name), b"-8.5")
    r.set(name, "text")
    raises(redis.ResponseError, "value is not an integer or out of range", r.incr, name)
    raises(redis.ResponseError, "value is not a valid float", r.incrbyfloat, name, 1.0)
    r.set(name, 2**63 - 1)
    raises(redis.ResponseError, "increment or decrement would overflow", r.incr, name)
    equal(r.get(name), b"9223372036854775807")


@BOTH
def several_keys(protocol):
    r, names = client(protocol), [key(str(i)) for i in range(50)]
    equal(r.mset({name: i for i, name in enumerate(names)}), True)
    equal(r.mget(names + [key("none")]), [str(i).encode() for i in range(50)] + [None])
    equal(r.exists(*names, names[0]), 51)
    equal(r.touch(*names), 50)
    equal(r.msetnx({names[0]: "a", key("new"): "b"}), False)
    fresh = {"{tag}" + key("a"): "a", "{tag}" + key("b"): "b"}
    equal(r.msetnx(fresh), True)
    equal(r.mget(fresh), [b"a", b"b"])
    equal(r.delete(*names[:20]), 20)
    equal(r.unlink(*names), 30)
    equal(r.mget(names), [None] * 50)


@BOTH
def getex_and_getdel(protocol):
    r, name = client(protocol), key()
    equal(r.getex(name, ex=10), None)
    equal(r.getdel(name), None)
    r.set(name, "v")
    equal(r.getex(name), b"v")
    equal(r.ttl(name), -1)
    equal(r.getex(name, ex=100), b"v")
    equal(r.ttl(name) in (99, 100), True)
    equal(r.getex(name, persist=True), b"v")
    equal(r.ttl(name), -1)
    equal(r.getex(name, pxat=int(time.time() * 1000) + 5000), b"v")
    equal(0 < r.pttl(name) <= 5000, True)
    equal(r.getdel(name), b"v")
    equal(r.exists(name), 0)


@BOTH
def expiry(protocol):
    r, name = client(protocol), key()
    equal((r.ttl(name), r.pttl(name), r.expiretime(name)), (-2, -2, -2))
    equal(r.expire(name, 10), False)
    r.set(name, "v")
    equal((r.ttl(name), r.pttl(name), r.pexpiretime(name)), (-1, -1, -1))
    equal(r.persist(name), False)
    equal(r.expire(name, 100), True)
    equal(r.expire(name, 50, nx=True), False)
    equal(r.expire(name, 50, gt=True), False)
    equal(r.expire(name, 50, lt=True), True)
    equal(r.expire(name, 60, xx=True), True)
    equal(r.persist(name), True)
    at = int(time.time()) + 1000
    equal(r.expireat(name, at), True)
    equal((r.expiretime(name), r.pexpiretime(name)), (at, at * 1000))
    equal(r.pexpireat(name, at * 1000 + 7), True)
    equal(r.pexpiretime(name), at * 1000 + 7)
    equal(r.pexpire(name, 60), True)
    wait_until(lambda: r.get(name) is None, 5, "expiry")
    equal((r.exists(name), r.ttl(name), r.type(name)), (0, -2, b"none"))
    r.set(name, "v")
    equal(r.expire(name, -1), True)
    equal(r.exists(name), 0)
    equal(r.set(name, "w", px=40), True)
    time.sleep(0.06)
    equal(r.set(name, "x", nx=True), True)
    equal(r.ttl(name), -1)


@BOTH
def bit_operations(protocol):
    r = client(protocol)
    one, two, result = ("{bits}" + key(name) for name in ["one", "two", "result"])
    equal(r.setbit(one, 7, 1), 0)
    equal(r.setbit(one, 7, 1), 1)
    equal(r.get(one), b"\x01")
    equal((r.getbit(one, 7), r.getbit(one, 6), r.getbit(one, 1000)), (1, 0, 0))
    r.set(one, b"\xff\xf0\x00")
    r.set(two, b"\x0f\x0f")
    equal((r.bitcount(one), r.bitcount(one, 1, 1), r.bitcount(one, 0, -2)), (12, 4, 12))
    equal(r.bitcount(one, 5, 9, "BIT"), 5)
    equal((r.bitpos(one, 0), r.bitpos(one, 1, 2), r.bitpos(two, 1)), (12, -1, 4))
    equal(r.bitop("AND", result, one, two), 3)
    equal(r.get(result), b"\x0f\x00\x00")
    equal(r.bitop("OR", result, one, two), 3)
    equal(r.get(result), b"\xff\xff\x00")
    equal(r.bitop("XOR", result, one, two), 3)
    equal(r.get(result), b"\xf0\xff\x00")
    equal(r.bitop("NOT", result, two), 2)
    equal(r.get(result), b"\xf0\xf0")
    raises(redis.ResponseError, "bit offset is not an integer", r.setbit, one, -1, 1)


@BOTH
def bitfield(protocol):
    r, name = client(protocol), key()
    fields = r.bitfield(name)
    equal(fields.set("u8", 0, 200).incrby("u8", 0, 100).get("u8", "#0").execute(), [0, 44, 44])
    fields = r.bitfield(name, default_overflow="SAT")
    equal(fields.incrby("u8", 0, 255).incrby("i5", 8, -17).execute(), [255, -16])
    fields = r.bitfield(name, default_overflow="FAIL")
    equal(fields.incrby("u8", 0, 1).execute(), [None])
    equal(r.bitfield_ro(name, "u8", 0), [255])


@case
def counters_from_eight_threads_lose_nothing():
    r, name = client(), key()

    def work():
        for _ in range(250):
            r.incr(name)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    equal(r.get(name), b"2000")


@BOTH
def scan_iter_finds_each_key_that_stays(protocol):
    r, stem = client(protocol), key("scan")
    stay = {f"{stem}:stay:{i}".encode() for i in range(1000)}
    r.mset({name: 1 for name in stay})
    found, step = [], 0
    for name in r.scan_iter(match=f"{stem}:stay:*", count=37):
        found.append(name)
        step += 1
        if step % 10 == 0:
            r.set(f"{stem}:goes:{step}", 1)
            r.delete(f"{stem}:goes:{step - 10}")
    equal(set(found), stay)
    equal(len(list(r.scan_iter(match=f"{stem}:stay:1?"))), 10)
    equal(set(r.scan_iter(match=f"{stem}:stay:*", _type="string")), stay)
    equal(set(r.keys(f"{stem}:stay:*")), stay)
    equal(list(r.scan_iter(match=f"{stem}:stay:*", _type="list")), [])


@BOTH
def decoded_responses(protocol):
    r, name = client(protocol, decode_responses=True), key("schlüssel")
    r.set(name, "wert ä€😀")
    equal(r.get(name), "wert ä€😀")
    equal(r.strlen(name), len("wert ä€😀".encode()))
    equal(r.keys(name), [name])
    equal(r.config_get("maxmemory-policy"), {"maxmemory-policy": "noeviction"})
    equal(r.type(name), "string")


@BOTH
def binary_keys_and_values(protocol):
    r = client(protocol)
    every_byte = bytes(range(256))
    odd = [b"", b"\r\n", b"$5\r\n", b"\0", b"*?[]\\", b"{}", b"{a}", every_byte, every_byte * 64]
    for name in odd:
        name = b"binary:" + name
        equal(r.set(name, every_byte + name), True)
        equal(r.get(name), every_byte + name)
        equal(r.exists(name), 1)
        equal(r.delete(name), 1)
    equal(r.set(b"", b"the empty key"), True)
    equal((r.get(b""), r.delete(b"")), (b"the empty key", 1))


@BOTH
def values_of_a_megabyte(protocol):
    r, name = client(protocol), key()
    value = os.urandom(MEGABYTE)
    names = [f"{name}:{i}" for i in range(8)]
    with r.pipeline(transaction=False) as pipe:
        for each in names:
            pipe.set(each, value)
        pipe.mget(names)
        results = pipe.execute()
    equal(results[:8], [True] * 8)
    equal(all(got == value for got in results[8]), True, "eight values of 1 MB")
    equal(r.append(name + ":0", b"tail"), MEGABYTE + 4)
    equal(r.getrange(name + ":0", MEGABYTE - 1, -1), value[-1:] + b"tail")
    r.delete(*names)


@case
def values_of_64_megabytes():
    r, name = client(), key()
    value = os.urandom(MEGABYTE) * 64
    equal(r.set(name, value), True)
    equal(r.strlen(name), 64 * MEGABYTE)
    equal(r.get(name) == value, True, "the value that was stored")
    equal(r.delete(name), 1)


@BOTH
def databases(protocol):
    zero, one, name = client(protocol), client(protocol, db=1), key()
    zero.set(name, "zero")
    equal(one.get(name), None)
    one.set(name, "one")
    equal((zero.get(name), one.get(name)), (b"zero", b"one"))
    equal(one.dbsize() >= 1, True)
    equal(one.flushdb(), True)
    equal((one.dbsize(), zero.get(name)), (0, b"zero"))
    raises(redis.ResponseError, "DB index is out of range", client(protocol, db=99).ping)


@BOTH
def copy_rename_and_dump(protocol):
    r = client(protocol)
    one, two = "{pair}" + key("one"), "{pair}" + key("two")
    r.set(one, "v", ex=100)
    equal(r.copy(one, two), True)
    equal(r.copy(one, two), False)
    equal(r.copy(one, two, replace=True), True)
    equal((r.get(two), r.ttl(two) in (99, 100)), (b"v", True))
    equal(r.rename(one, two), True)
    equal(r.exists(one), 0)
    equal(r.set(one, "w"), True)
    equal(r.renamenx(one, two), False)
    raises(redis.ResponseError, "no such key", r.rename, key("none"), two)


@BOTH
def dump_and_restore(protocol):
    r, one, two = client(protocol), key("one"), key("two")
    equal(r.dump(one), None)
    r.set(one, "w")
    dumped = r.dump(one)
    equal(r.restore(two, 100_000, dumped) in (True, b"OK"), True)
    equal(r.ttl(two) in (99, 100), True)
    equal(r.get(two), b"w")
    raises(redis.ResponseError, "BUSYKEY", r.restore, two, 0, dumped)
    broken = dumped[:-1] + bytes([dumped[-1] ^ 1])
    text = "DUMP payload version or checksum are wrong"
    raises(redis.ResponseError, text, r.restore, key("new"), 0, broken)


if __name__ == "__main__":
    main()
