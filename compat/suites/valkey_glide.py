"""valkey-glide, whose core is a Rust client of its own, in RESP2 and RESP3."""

import asyncio
import os

from glide import (
    Batch,
    ExpiryGetEx,
    ExpiryTypeGetEx,
    ConditionalChange,
    ExpirySet,
    ExpiryType,
    GlideClient,
    GlideClientConfiguration,
    InfoSection,
    NodeAddress,
    ProtocolVersion,
    RequestError,
)

from harness import HOST, PORT, case, cases, equal, key, main

BOTH = cases(2, 3)
VERSIONS = {2: ProtocolVersion.RESP2, 3: ProtocolVersion.RESP3}
Modes = GlideClientConfiguration.PubSubChannelModes


async def connect(protocol=3, **options):
    options.setdefault("request_timeout", 5000)
    return await GlideClient.create(
        GlideClientConfiguration(
            [NodeAddress(HOST, PORT)], protocol=VERSIONS[protocol], client_name="compat", **options
        )
    )


@BOTH
async def strings_counters_and_expiry(protocol):
    async with await connect(protocol) as client:
        one, two = key("one"), key("two")
        equal(await client.get(one), None)
        equal(await client.set(one, "v"), "OK")
        only_new = ConditionalChange.ONLY_IF_DOES_NOT_EXIST
        equal(await client.set(one, "w", conditional_set=only_new), None)
        expiry = ExpirySet(ExpiryType.SEC, 100)
        equal(await client.set(one, "w", expiry=expiry, return_old_value=True), b"v")
        equal(await client.ttl(one) in (99, 100), True)
        equal(await client.getex(one, ExpiryGetEx(ExpiryTypeGetEx.PERSIST, None)), b"w")
        equal(await client.ttl(one), -1)
        equal(await client.expire(one, 50), True)
        equal(await client.incr(two), 1)
        equal(await client.incrby(two, 41), 42)
        equal(await client.incrbyfloat(two, 0.5), 42.5)
        equal(await client.mget([one, two, key("none")]), [b"w", b"42.5", None])
        equal(await client.mset({one: "1", two: "2"}), "OK")
        equal(await client.exists([one, two]), 2)
        equal(await client.getdel(one), b"1")
        equal(await client.delete([one, two]), 1)


@BOTH
async def bits(protocol):
    async with await connect(protocol) as client:
        name = key()
        equal(await client.setbit(name, 7, 1), 0)
        equal(await client.getbit(name, 7), 1)
        equal(await client.bitcount(name), 1)
        equal(await client.bitpos(name, 1), 7)


@BOTH
async def batches(protocol):
    async with await connect(protocol) as client:
        name = key()
        atomic = Batch(is_atomic=True)
        atomic.set(name, "1").incr(name).get(name)
        equal(await client.exec(atomic, raise_on_error=True), ["OK", 2, b"2"])
        plain = Batch(is_atomic=False)
        for i in range(1000):
            plain.set(f"{name}:{i}", str(i))
        equal(await client.exec(plain, raise_on_error=True), ["OK"] * 1000)
        failing = Batch(is_atomic=True)
        failing.set(name, "text").incr(name)
        replies = await client.exec(failing, raise_on_error=False)
        equal((replies[0], type(replies[1])), ("OK", RequestError))


@BOTH
async def watch_stops_a_transaction(protocol):
    async with await connect(protocol) as client, await connect(protocol) as other:
        name = key()
        await client.set(name, "1")
        equal(await client.watch([name]), "OK")
        await other.set(name, "2")
        batch = Batch(is_atomic=True)
        batch.set(name, "3")
        equal(await client.exec(batch, raise_on_error=True), None)
        equal(await client.get(name), b"2")


@case
async def publish_and_subscribe():
    channel = key("channel")
    subscriptions = GlideClientConfiguration.PubSubSubscriptions(
        {Modes.Exact: {channel}, Modes.Pattern: {channel[:-3] + "*"}}, None, None
    )
    async with await connect(pubsub_subscriptions=subscriptions) as listener:
        async with await connect() as client:
            for _ in range(100):
                if await client.pubsub_channels(channel):
                    break
                await asyncio.sleep(0.05)
            equal(await client.publish("news", channel), 2)
            got = [await asyncio.wait_for(listener.get_pubsub_message(), 5) for _ in range(2)]
            equal([(each.message, each.channel) for each in got], [
                (b"news", channel.encode()), (b"news", channel.encode()),
            ])  # fmt: skip


@BOTH
async def many_requests_side_by_side(protocol):
    async with await connect(protocol) as client:
        name, value = key(), os.urandom(1 << 20)
        await asyncio.gather(*(client.set(f"{name}:{i}", value) for i in range(8)))
        got = await asyncio.gather(*(client.get(f"{name}:{i}") for i in range(8)))
        equal(all(each == value for each in got), True, "eight values of 1 MB")
        counted = await asyncio.gather(*(client.incr(name) for _ in range(500)))
        equal(sorted(counted), list(range(1, 501)))


@BOTH
async def scan_finds_each_key(protocol):
    async with await connect(protocol) as client:
        stem = key("scan")
        names = {f"{stem}:{i}".encode() for i in range(300)}
        await client.mset(dict.fromkeys(names, b"1"))
        cursor, found = b"0", set()
        while True:
            cursor, batch = await client.scan(cursor, match=f"{stem}:*", count=25)
            found.update(batch)
            if cursor == b"0":
                break
        equal(found, names)


@BOTH
async def server_and_databases(protocol):
    async with await connect(protocol, database_id=5) as client:
        name = key()
        equal(await client.ping(), b"PONG")
        equal(await client.client_getname(), b"compat")
        equal(b"redis_version:" in await client.info([InfoSection.SERVER]), True)
        equal(await client.config_get(["maxmemory-policy"]), {b"maxmemory-policy": b"noeviction"})
        await client.set(name, "five")
        equal(await client.select(0), "OK")
        equal(await client.get(name), None)
        try:
            await client.custom_command(["NOSUCH", "a"])
        except RequestError as failure:
            equal("unknown command" in str(failure).lower(), True, str(failure))
        else:
            raise AssertionError("an unknown command got no error")


if __name__ == "__main__":
    main()
