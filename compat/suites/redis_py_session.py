"""redis-py 8, synchronous, in RESP2 and RESP3: pipelines, transactions, pub/sub, connections."""

import threading
import time

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from harness import HOST, PORT, case, cases, equal, key, main, raises, wait_until

BOTH = cases(2, 3)


def client(protocol=3, **options):
    return redis.Redis(host=HOST, port=PORT, protocol=protocol, **options)


@BOTH
def pipelines(protocol):
    r, name = client(protocol), key()
    with r.pipeline(transaction=False) as pipe:
        for i in range(2000):
            pipe.set(f"{name}:{i}", i)
        for i in range(2000):
            pipe.get(f"{name}:{i}")
        equal(pipe.execute(), [True] * 2000 + [str(i).encode() for i in range(2000)])
    with r.pipeline(transaction=False) as pipe:
        results = pipe.set(name, "x").incr(name).get(name).execute(raise_on_error=False)
    equal((results[0], type(results[1]), results[2]), (True, redis.ResponseError, b"x"))


@BOTH
def transactions(protocol):
    r, name = client(protocol), key()
    with r.pipeline() as pipe:
        equal(pipe.set(name, 1).incr(name).get(name).mget(name).execute(), [True, 2, b"2", [b"2"]])
    with r.pipeline() as pipe:
        pipe.set(name, "text").incr(name).set(name, 7)
        raises(redis.ResponseError, "value is not an integer", pipe.execute)
    equal(r.get(name), b"7")
    with r.pipeline() as pipe:
        pipe.set(name, 8).execute_command("NOSUCHCOMMAND", name)
        raises(redis.ResponseError, "unknown command", pipe.execute)
    equal(r.get(name), b"7")


@BOTH
def transactions_with_watch(protocol):
    r, other, name = client(protocol), client(protocol), key()
    r.set(name, 1)
    with r.pipeline() as pipe:
        pipe.watch(name)
        equal(pipe.get(name), b"1")
        pipe.multi()
        pipe.set(name, 2)
        equal(pipe.execute(), [True])
        pipe.watch(name)
        other.set(name, "changed")
        pipe.multi()
        pipe.set(name, 3)
        raises(redis.WatchError, "", pipe.execute)
        equal(r.get(name), b"changed")
        pipe.watch(name)
        other.set(name, "again")
        pipe.unwatch()
        pipe.multi()
        equal(pipe.set(name, 4).execute(), [True])
    equal(r.get(name), b"4")


@case
def watch_and_increment_from_eight_threads_loses_nothing():
    r, name = client(), key()

    def increment(pipe):
        current = int(pipe.get(name) or 0)
        pipe.multi()
        pipe.set(name, current + 1)

    def work():
        for _ in range(20):
            r.transaction(increment, name)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    equal(r.get(name), b"160")


@BOTH
def publish_and_subscribe(protocol):
    r, channel = client(protocol), key("channel")
    with r.pubsub() as listener:
        listener.subscribe(channel)
        listener.psubscribe(channel[:-3] + "*")
        replies = [listener.get_message(timeout=5) for _ in range(2)]
        equal([(reply["type"], reply["data"]) for reply in replies], [
            ("subscribe", 1), ("psubscribe", 2),
        ])  # fmt: skip
        equal(r.pubsub_channels(channel), [channel.encode()])
        equal(r.pubsub_numsub(channel), [(channel.encode(), 1)])
        equal(r.pubsub_numpat() >= 1, True)
        equal(r.publish(channel, "news"), 2)
        got = [listener.get_message(timeout=5) for _ in range(2)]
        equal(sorted((each["type"], each["data"]) for each in got), [
            ("message", b"news"), ("pmessage", b"news"),
        ])  # fmt: skip
        listener.ping("still there")
        equal(listener.get_message(timeout=5)["data"], b"still there")
        listener.unsubscribe()
        equal(listener.get_message(timeout=5)["type"], "unsubscribe")
        listener.punsubscribe()
        equal(listener.get_message(timeout=5)["type"], "punsubscribe")
    equal(r.publish(channel, "nobody listens"), 0)


@BOTH
def messages_to_threads_come_in_order(protocol):
    r, channel, received = client(protocol), key("channel"), []
    listener = r.pubsub(ignore_subscribe_messages=True)
    listener.subscribe(**{channel: lambda message: received.append(int(message["data"]))})
    thread = listener.run_in_thread(sleep_time=0.01)
    try:
        wait_until(lambda: r.pubsub_numsub(channel)[0][1] == 1, what="the subscription")
        for i in range(500):
            r.publish(channel, i)
        wait_until(lambda: len(received) == 500, what="500 messages")
    finally:
        thread.stop()
        thread.join()
    equal(received, list(range(500)))


@BOTH
def server_commands(protocol):
    r = client(protocol)
    info = r.info()
    equal((info["role"], info["loading"]), ("master", 0))
    equal(isinstance(info["used_memory"], int), True)
    equal(int(info["redis_version"].split(".")[0]) >= 7, True)
    equal("keys" in r.info("keyspace").get("db0", {"keys": 0}), True)
    seconds, microseconds = r.time()
    equal(abs(seconds - time.time()) < 5 and 0 <= microseconds < 1_000_000, True)
    equal(r.echo("\0 echo"), b"\0 echo")
    equal(r.ping(), True)
    documented = r.execute_command("COMMAND INFO", "get")
    equal(documented[0][:2], [b"get", 2])
    equal(r.command_count() > 60, True)
    found = r.execute_command("COMMAND GETKEYS", "MSET", "a", 1, "b", 2)
    equal([each if isinstance(each, bytes) else each.encode() for each in found], [b"a", b"b"])
    equal(r.lastsave() is not None, True)
    equal(r.object("encoding", key("none")), None)
    equal(r.memory_usage(key("none")), None)


@BOTH
def connection_commands(protocol):
    r = client(protocol, client_name="compat", single_connection_client=True)
    equal(r.client_getname() in ("compat", b"compat"), True)
    number = r.client_id()
    mine = [each for each in r.client_list() if int(each["id"]) == number]
    equal([each["name"] for each in mine], ["compat"])
    equal(int(r.client_info()["id"]), number)
    equal(r.client_setname("other"), True)
    equal(r.client_getname() in ("other", b"other"), True)
    victim = client(protocol, single_connection_client=True)
    equal(client(protocol).client_kill_filter(_id=victim.client_id()), 1)
    raises(redis.ResponseError, "unknown subcommand", r.execute_command, "CLIENT", "NOSUCH")
    raises(redis.ResponseError, "unknown command", r.execute_command, "NOSUCH", "a")
    raises(redis.ResponseError, "wrong number of arguments for 'get' command",
           r.execute_command, "GET")  # fmt: skip
    equal(r.ping(), True)


@case
def connection_pool_is_shared_by_threads():
    pool = redis.BlockingConnectionPool(host=HOST, port=PORT, max_connections=4, timeout=20)
    r, name = redis.Redis(connection_pool=pool), key()

    def work(number):
        for i in range(100):
            r.set(f"{name}:{number}:{i}", i)
            equal(r.get(f"{name}:{number}:{i}"), str(i).encode())
            r.incr(name)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    equal(r.get(name), b"1200")
    pool.disconnect()
    equal(r.get(name), b"1200", "after the pool's connections were closed")


@case
def a_killed_connection_is_retried():
    retry = Retry(NoBackoff(), 3)
    r = client(retry=retry, retry_on_error=[redis.ConnectionError], client_name="to-be-killed")
    name, killer = key(), client()
    equal(r.set(name, "before"), True)
    for each in killer.client_list():
        if each["name"] == "to-be-killed":
            killer.client_kill_filter(_id=each["id"])
    equal(r.get(name), b"before")


@case
def from_url_and_health_checks():
    name = key()
    with redis.Redis.from_url(f"redis://{HOST}:{PORT}/3", health_check_interval=1) as r:
        r.set(name, "three")
        time.sleep(1.1)
        equal(r.get(name), b"three")
    equal(client(db=3).get(name), b"three")


@BOTH
def authentication_without_a_password_is_refused(protocol):
    text = "without any password configured for the default user"
    r = client(protocol, retry=Retry(NoBackoff(), 0))
    raises(redis.AuthenticationError, text, r.execute_command, "AUTH", "secret")
    equal(r.ping(), True)


if __name__ == "__main__":
    main()
