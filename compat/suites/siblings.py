"""Our own verbs, as an application reaches them through a client that does not know them.

Replies have the same shape in RESP2 and RESP3; that is what the variants of each case check.
"""

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from harness import HOST, PORT, case, cases, equal, key, main, raises

BOTH = cases(2, 3)
MOST_SIBLINGS = 100


def client(protocol=3, **options):
    retry = Retry(NoBackoff(), 0)
    return redis.Redis(host=HOST, port=PORT, protocol=protocol, retry=retry, **options)


def call(protocol=3):
    return client(protocol).execute_command


def flat(reply):
    """Every string in a reply, lower-case, whatever its shape."""
    if isinstance(reply, dict):
        return [word for pair in reply.items() for each in pair for word in flat(each)]
    if isinstance(reply, (list, tuple, set)):
        return [word for each in reply for word in flat(each)]
    return [reply.decode().lower() if isinstance(reply, bytes) else str(reply).lower()]


@BOTH
def a_missing_key_has_an_empty_context_and_no_versions(protocol):
    equal(call(protocol)("GETVERSIONS", key()), [b"", []])


@BOTH
def a_plain_set_has_one_version_and_a_printable_context(protocol):
    run, name = call(protocol), key()
    run("SET", name, b"v\0")
    context, versions = run("GETVERSIONS", name)
    equal(versions, [b"v\0"])
    equal(context.isascii() and context.decode().isprintable() and len(context) > 0, True)
    equal(run("GETVERSIONS", name, "LOCAL")[1], [b"v\0"])


@BOTH
def a_put_supersedes_exactly_what_its_context_saw(protocol):
    run, name = call(protocol), key()
    first, count = run("PUTCTX", name, "", "one")
    equal(count, 1)
    second, count = run("PUTCTX", name, "", "two")
    equal(count, 2)
    equal(sorted(run("GETVERSIONS", name)[1]), [b"one", b"two"])
    # The context of the second put has not seen the first value, so it must stay.
    third, count = run("PUTCTX", name, second, "three")
    equal(count, 2)
    equal(sorted(run("GETVERSIONS", name)[1]), [b"one", b"three"])
    # An old context supersedes nothing that came after it.
    _, count = run("PUTCTX", name, first, "four")
    equal(count, 2)
    equal(sorted(run("GETVERSIONS", name)[1]), [b"four", b"three"])
    context, _ = run("GETVERSIONS", name)
    _, count = run("PUTCTX", name, context, "merged")
    equal(count, 1)
    equal(run("GETVERSIONS", name)[1], [b"merged"])
    equal(run("GET", name), b"merged")


@BOTH
def the_winner_stands_first_and_is_what_get_returns(protocol):
    run, name = call(protocol), key()
    for i in range(5):
        run("PUTCTX", name, "", str(i))
    _, versions = run("GETVERSIONS", name)
    equal((len(versions), versions[0]), (5, run("GET", name)))
    equal((run("STRLEN", name), run("TYPE", name)), (1, b"string"))


@BOTH
def an_overwrite_supersedes_all_that_is_here(protocol):
    run, name = call(protocol), key()
    run("PUTCTX", name, "", "one")
    run("PUTCTX", name, "", "two")
    run("SET", name, "plain")
    equal(run("GETVERSIONS", name)[1], [b"plain"])


@BOTH
def return_gives_the_shape_of_getversions(protocol):
    run, name = call(protocol), key()
    context, versions = run("PUTCTX", name, "", "one", "RETURN")
    equal(versions, [b"one"])
    context, versions = run("PUTCTX", name, "", "two", "RETURN")
    equal(sorted(versions), [b"one", b"two"])
    # What RETURN shows, its context has seen.
    equal(run("PUTCTX", name, context, "three")[1], 1)
    context, versions = run("DELCTX", name, run("GETVERSIONS", name)[0], "RETURN")
    equal((versions, len(context) > 0), ([], True))


@BOTH
def a_delete_removes_exactly_what_its_context_saw(protocol):
    run, name = call(protocol), key()
    context, _ = run("PUTCTX", name, "", "seen")
    run("PUTCTX", name, "", "unseen")
    run("DELCTX", name, context)
    equal(run("GETVERSIONS", name)[1], [b"unseen"])
    context, _ = run("GETVERSIONS", name)
    run("DELCTX", name, context)
    context, versions = run("GETVERSIONS", name)
    equal((versions, len(context) > 0), ([], True), "a deleted key keeps its context")
    equal((run("GET", name), run("EXISTS", name)), (None, 0))
    run("PUTCTX", name, context, "again")
    equal(run("GETVERSIONS", name)[1], [b"again"])


@BOTH
def several_keys_at_once(protocol):
    run, one, two, none = call(protocol), key("one"), key("two"), key("none")
    run("SET", one, "1")
    run("PUTCTX", two, "", "a")
    run("PUTCTX", two, "", "b")
    replies = run("MGETVERSIONS", one, two, none)
    equal([sorted(versions) for _, versions in replies], [[b"1"], [b"a", b"b"], []])
    equal(replies[2], [b"", []])
    equal(run("PUTCTX", two, replies[1][0], "c")[1], 1)


@BOTH
def expiry_of_a_put(protocol):
    run, name = call(protocol), key()
    context, _ = run("PUTCTX", name, "", "v", "EX", 100)
    equal(run("TTL", name) in (99, 100), True)
    context, _ = run("PUTCTX", name, context, "w", "KEEPTTL")
    equal(run("TTL", name) in (98, 99, 100), True)
    context, _ = run("PUTCTX", name, context, "x", "PX", 50_000)
    equal(run("TTL", name) in (48, 49, 50), True)
    run("PUTCTX", name, context, "y")
    equal(run("TTL", name), -1)


@BOTH
def metadata_names_each_version(protocol):
    run, name = call(protocol), key()
    run("PUTCTX", name, "", "one", "EX", 100)
    run("PUTCTX", name, "", "two")
    _, versions = run("GETVERSIONS", name, "WITHMETA")
    equal(len(versions), 2)
    found = []
    for version in versions:
        if not isinstance(version, dict):
            version = dict(zip(version[::2], version[1::2], strict=True))
        names = {name.decode() if isinstance(name, bytes) else name for name in version}
        equal(names >= {"value", "dot", "hlc", "actor", "ttl", "tombstone"}, True, str(names))
        found.append(version.get(b"value", version.get("value")))
    equal(sorted(found), [b"one", b"two"])


@BOTH
def foreign_and_forged_contexts_write_nothing(protocol):
    run, one, two = call(protocol), key("one"), key("two")
    run("SET", one, "1")
    run("SET", two, "2")
    context = run("GETVERSIONS", one)[0]
    bent = bytearray(context)
    bent[len(bent) // 2] = ord("A") if bent[len(bent) // 2] != ord("A") else ord("B")
    for name, bad in [(two, context), (one, bytes(bent)), (one, b"junk"), (one, context[:-4])]:
        raises(redis.ResponseError, "BADCTX", run, "PUTCTX", name, bad, "x")
        raises(redis.ResponseError, "BADCTX", run, "DELCTX", name, bad)
    equal((run("GET", one), run("GET", two)), (b"1", b"2"))


@BOTH
def a_hundred_siblings_are_the_most(protocol):
    run, name = call(protocol), key()
    for i in range(MOST_SIBLINGS):
        equal(run("PUTCTX", name, "", str(i))[1], i + 1)
    raises(redis.ResponseError, "TOOMANYSIBLINGS", run, "PUTCTX", name, "", "one more")
    context, versions = run("GETVERSIONS", name)
    equal(len(versions), MOST_SIBLINGS)
    equal(run("PUTCTX", name, context, "resolved")[1], 1)


@BOTH
def the_siblings_policy_makes_get_say_conflict(protocol):
    run, prefix = call(protocol), f"policy{protocol}:"
    equal(run("POLICY", "SET", prefix, "SIBLINGS") in (b"OK", "OK", True), True)
    try:
        equal("siblings" in " ".join(flat(run("POLICY", "GET", prefix))), True)
        equal(prefix in " ".join(flat(run("POLICY", "LIST"))), True)
        name = prefix + key()
        run("PUTCTX", name, "", "one")
        equal(run("GET", name), b"one")
        run("PUTCTX", name, "", "two")
        raises(redis.ResponseError, "CONFLICT 2 concurrent versions", run, "GET", name)
        raises(redis.ResponseError, "CONFLICT", run, "INCR", name)
        raises(redis.ResponseError, "CONFLICT", run, "APPEND", name, "x")
        equal((run("EXISTS", name), run("STRLEN", name), run("TTL", name)), (1, 3, -1))
        run("SET", name, "overwritten")
        equal(run("GET", name), b"overwritten")
    finally:
        run("POLICY", "DEL", prefix)
    equal(prefix in " ".join(flat(run("POLICY", "LIST"))), False)


@BOTH
def quorums_of_a_connection(protocol):
    r = client(protocol, single_connection_client=True)
    run, name = r.execute_command, key()
    for words in [("R", 1, "W", 1), ("W", 1, "DW", 1, "TIMEOUT", 500), ("ONCE", "R", 1)]:
        equal(run("QUORUM", *words) in (b"OK", "OK", True), True, str(words))
        equal(run("SET", name, "v") in (b"OK", True), True)
        equal(run("GET", name), b"v")
    equal(run("QUORUM", "DEFAULT") in (b"OK", "OK", True), True)
    for words in [(), ("R",), ("R", "many"), ("R", 0), ("X", 1)]:
        raises(redis.ResponseError, "", run, "QUORUM", *words)
    equal(run("GET", name), b"v")


@case
def our_verbs_are_documented_commands():
    run = call()
    verbs = ["getversions", "putctx", "delctx", "mgetversions", "quorum", "policy"]
    for verb, known in zip(verbs, run("COMMAND INFO", *verbs), strict=True):
        equal(known is not None, True, verb)
    documented = flat(run("COMMAND DOCS", *verbs))
    for verb in verbs:
        equal(verb in documented, True, f"COMMAND DOCS {verb}")
    found = run("COMMAND GETKEYS", "MGETVERSIONS", "a", "b")
    equal(flat(found), ["a", "b"])


@case
def wrong_calls_are_refused_in_redis_words():
    run, name = call(), key()
    for words in [("GETVERSIONS",), ("PUTCTX", name, ""), ("DELCTX", name), ("MGETVERSIONS",)]:
        text = f"wrong number of arguments for '{words[0].lower()}' command"
        raises(redis.ResponseError, text, run, *words)
    raises(redis.ResponseError, "syntax error", run, "GETVERSIONS", name, "NOSUCH")
    raises(redis.ResponseError, "syntax error", run, "PUTCTX", name, "", "v", "NOSUCH")


@case
def updating_with_a_merge_loses_nothing_from_concurrent_writers():
    """Read versions, merge, put with the context: the loop that an application writes."""
    run, name = call(), key()
    carts = [call() for _ in range(4)]
    seen = [one("GETVERSIONS", name) for one in carts]
    for number, one in enumerate(carts):
        context, versions = seen[number]
        items = {item for version in versions for item in version.split(b",")}
        one("PUTCTX", name, context, b",".join(sorted(items | {b"item%d" % number})))
    context, versions = run("GETVERSIONS", name)
    items = {item for version in versions for item in version.split(b",")}
    equal(items, {b"item%d" % number for number in range(4)})
    equal(run("PUTCTX", name, context, b",".join(sorted(items)))[1], 1)


if __name__ == "__main__":
    main()
