"""redis-py 8, asyncio, in RESP2 and RESP3."""

import asyncio
import os

import redis
import redis.asyncio

from harness import HOST, PORT, cases, equal, key, main

BOTH = cases(2, 3)
MEGABYTE = 1 << 20


def client(protocol, **options):
    return redis.asyncio.Redis(host=HOST, port=PORT, protocol=protocol, **options)


@BOTH
async def strings_and_expiry(protocol):
    async with client(protocol) as r:
        name = key()
        equal(await r.set(name, "v", ex=100), True)
        equal(await r.get(name), b"v")
        equal(await r.ttl(name) in (99, 100), True)
        equal(await r.getex(name, persist=True), b"v")
        equal(await r.ttl(name), -1)
        equal(await r.incrby(name + ":n", 5), 5)
        equal(await r.mget([name, name + ":n", key("none")]), [b"v", b"5", None])
        equal(await r.getdel(name), b"v")
        equal(await r.exists(name), 0)
        await r.set(name, "soon gone", px=40)
        await asyncio.sleep(0.08)
        equal(await r.get(name), None)


@BOTH
async def a_hundred_tasks_share_a_pool(protocol):
    async with client(protocol, max_connections=200) as r:
        name = key()

        async def work(number):
            for _ in range(10):
                await r.incr(name)
            await r.set(f"{name}:{number}", number)
            return await r.get(f"{name}:{number}")

        results = await asyncio.gather(*(work(number) for number in range(100)))
        equal(results, [str(number).encode() for number in range(100)])
        equal(await r.get(name), b"1000")


@BOTH
async def pipelines_and_transactions(protocol):
    async with client(protocol) as r:
        name = key()
        async with r.pipeline(transaction=False) as pipe:
            for i in range(1000):
                pipe.set(f"{name}:{i}", i)
            equal(await pipe.execute(), [True] * 1000)
        async with r.pipeline(transaction=True) as pipe:
            pipe.set(name, 1).incr(name).get(name)
            equal(await pipe.execute(), [True, 2, b"2"])


@BOTH
async def transactions_with_watch(protocol):
    async with client(protocol) as r, client(protocol) as other:
        name = key()
        await r.set(name, 1)
        async with r.pipeline() as pipe:
            await pipe.watch(name)
            await other.set(name, 5)
            pipe.multi()
            pipe.set(name, 2)
            try:
                await pipe.execute()
            except redis.WatchError:
                equal(await r.get(name), b"5")
            else:
                raise AssertionError("EXEC ran although a watched key had changed")


@BOTH
async def publish_and_subscribe(protocol):
    async with client(protocol) as r:
        channel = key("channel")
        async with r.pubsub() as listener:
            await listener.subscribe(channel)
            equal((await listener.get_message(timeout=5))["type"], "subscribe")
            await listener.psubscribe(channel[:-2] + "*")
            equal((await listener.get_message(timeout=5))["data"], 2)
            for i in range(200):
                equal(await r.publish(channel, i), 2)
            got = [await listener.get_message(timeout=5) for _ in range(400)]
            exact = [each["data"] for each in got if each["type"] == "message"]
            pattern = [each["data"] for each in got if each["type"] == "pmessage"]
            wanted = [str(i).encode() for i in range(200)]
            equal((exact, pattern), (wanted, wanted))


@BOTH
async def scan_iter_finds_each_key(protocol):
    async with client(protocol, decode_responses=True) as r:
        stem = key("scan")
        names = {f"{stem}:{i}" for i in range(700)}
        await r.mset(dict.fromkeys(names, 1))
        equal({name async for name in r.scan_iter(match=f"{stem}:*", count=50)}, names)


@BOTH
async def megabytes_side_by_side(protocol):
    async with client(protocol) as r:
        name, value = key(), os.urandom(4 * MEGABYTE)
        names = [f"{name}:{i}" for i in range(6)]
        await asyncio.gather(*(r.set(each, value) for each in names))
        got = await asyncio.gather(*(r.get(each) for each in names))
        equal(all(each == value for each in got), True, "six values of 4 MB")
        equal(await r.delete(*names), 6)


@BOTH
async def a_cancelled_command_does_not_disturb_the_next(protocol):
    async with client(protocol, max_connections=2) as r:
        name, big = key(), os.urandom(8 * MEGABYTE)
        await r.set(name, big)
        for _ in range(5):
            task = asyncio.ensure_future(r.get(name))
            await asyncio.sleep(0.001)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            equal(await r.echo("mine"), b"mine")
        await r.delete(name)


if __name__ == "__main__":
    main()
