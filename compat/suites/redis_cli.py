"""redis-cli 7.0 as people use it: one-shot, on a terminal, and its whole-server modes."""

import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time

from harness import DIRECTORY, HOST, IS_DYNAMO, PORT, Skip, case, cases, equal, key, main

CLI = os.path.join(DIRECTORY, "bin", "redis-cli")
README = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "README.md")
PIPED_COMMANDS = 10_000


def cli(*words, given=None, check=True, timeout=60):
    """Runs redis-cli to its end and returns what it printed."""
    command = [CLI, "-h", HOST, "-p", str(PORT), *map(str, words)]
    options = {"input": given} if given is not None else {"stdin": subprocess.DEVNULL}
    done = subprocess.run(command, capture_output=True, timeout=timeout, **options)
    if check and done.returncode != 0:
        raise AssertionError(f"exit code {done.returncode}: {done.stdout!r} {done.stderr!r}")
    return done.stdout.decode(errors="replace")


def within(text, *parts):
    for part in parts:
        if part not in text:
            raise AssertionError(f"{part!r} is not in the output:\n{text[-3000:]}")


class Terminal:
    """An interactive redis-cli on a pseudo-terminal."""

    def __init__(self, *words):
        self.process_id, self.file = pty.fork()
        if self.process_id == 0:
            os.environ.update(TERM="xterm", REDISCLI_HISTFILE="/dev/null")
            # Without a size redis-cli asks the terminal where its cursor is, and waits for ever.
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 200, 0, 0))
            os.execv(CLI, [CLI, "-h", HOST, "-p", str(PORT), *words])
        self.seen = ""

    def type(self, text, at_prompt=True):
        """Types when redis-cli is ready to edit a line: what comes earlier is not hinted at."""
        if at_prompt:
            self.expect(r"> $")
        self.seen = ""
        os.write(self.file, text.encode())

    def expect(self, pattern, timeout=10):
        """Reads until the pattern is on the screen; colours and cursor moves are left out."""
        deadline = time.monotonic() + timeout
        while not re.search(pattern, self.seen):
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.file], [], [], left)[0]:
                raise AssertionError(f"no {pattern!r} on the screen:\n{self.seen!r}")
            try:
                text = os.read(self.file, 65536).decode(errors="replace")
            except OSError as failure:
                raise AssertionError(f"ended without {pattern!r}:\n{self.seen!r}") from failure
            self.seen += re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", text)

    def close(self):
        os.kill(self.process_id, signal.SIGKILL)
        os.waitpid(self.process_id, 0)
        os.close(self.file)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


@case
def one_shot_commands():
    name = key()
    equal(cli("PING"), "PONG\n")
    equal(cli("SET", name, "hello world"), "OK\n")
    equal(cli("GET", name), "hello world\n")
    equal(cli("GET", key("none")), "\n")
    equal(cli("APPEND", name, "!"), "12\n")
    equal(cli("DEL", name), "1\n")
    within(cli("--no-raw", "GET", name), "(nil)")


@case
def errors_are_printed_and_the_exit_code_tells_with_e():
    within(cli("GET", check=False), "ERR wrong number of arguments for 'get' command")
    within(cli("NOSUCH", "a", check=False), "ERR unknown command 'NOSUCH'")
    name = key()
    cli("SET", name, "text")
    within(cli("INCR", name, check=False), "ERR value is not an integer or out of range")
    command = [CLI, "-h", HOST, "-p", str(PORT), "-e", "INCR", name]
    equal(subprocess.run(command, capture_output=True).returncode, 1)


@case
def standard_input_gives_commands_and_the_last_argument():
    name = key()
    equal(cli(given=f"SET {name} 1\nINCR {name}\nGET {name}\n".encode()), "OK\n2\n2\n")
    value = bytes(range(256)) * 4
    cli("-x", "SET", name, given=value)
    equal(cli("STRLEN", name), "1024\n")
    done = subprocess.run([CLI, "-p", str(PORT), "--raw", "GET", name], capture_output=True)
    equal(done.stdout, value + b"\n")


@case
def repeats_with_an_interval():
    name = key()
    equal(cli("-r", 3, "-i", 0.01, "INCR", name), "1\n2\n3\n")


@case
def output_formats():
    one, two = key("one"), key("two")
    cli("MSET", one, "1", two, "zwei")
    equal(cli("--raw", "MGET", one, two, key("none")), "1\nzwei\n\n")
    equal(cli("--csv", "MGET", one, two, key("none")), '"1","zwei",NULL\n')
    equal(json.loads(cli("--json", "MGET", one, two, key("none"))), ["1", "zwei", None])
    equal(json.loads(cli("--json", "-3", "CONFIG", "GET", "maxmemory-policy")), {
        "maxmemory-policy": "noeviction",
    })  # fmt: skip
    within(cli("--no-raw", "MGET", one, two), '1) "1"', '2) "zwei"')


@case
def resp3_with_dash_3():
    name = key()
    equal(cli("-3", "SET", name, "v"), "OK\n")
    equal(cli("-3", "GET", name), "v\n")
    within(cli("-3", "--no-raw", "GET", key("none")), "(nil)")
    within(cli("-3", "--no-raw", "HELLO"), '"proto" => (integer) 3')
    within(cli("-3", "--no-raw", "CONFIG", "GET", "maxmemory*"), '"maxmemory-policy" =>')


@case
def databases_with_dash_n():
    name = key()
    cli("SET", name, "zero")
    cli("-n", 1, "SET", name, "one")
    equal(cli("GET", name), "zero\n")
    equal(cli("-n", 1, "GET", name), "one\n")
    equal(cli("-n", 15, "GET", name), "\n")
    within(cli("SELECT", 16, check=False), "ERR DB index is out of range")
    cli("-n", 1, "DEL", name)
    equal(cli("GET", name), "zero\n")


@case
def scan_mode_finds_each_key_once():
    names = sorted(key("scan") for _ in range(500))
    pairs = [word for name in names for word in (name, "v")]
    cli("MSET", *pairs)
    found = sorted(cli("--scan", "--pattern", "*:scan").split())
    equal(found, names)
    if not set(names) <= set(cli("--scan").split()):
        raise AssertionError("--scan without a pattern missed keys")
    equal(len(cli("--scan", "--pattern", "nothing-like-this*").split()), 0)


@case
def bigkeys_mode():
    name = key("biggest")
    cli("-x", "SET", name, given=b"x" * 300_000)
    output = cli("--bigkeys")
    within(output, "Biggest string found", name, "300000 bytes", "strings with")


@case
def memkeys_mode():
    name = key("heaviest")
    cli("-x", "SET", name, given=b"x" * 400_000)
    within(cli("--memkeys"), "Biggest string found", name, "strings with")
    size = int(cli("MEMORY", "USAGE", name))
    if not 400_000 <= size < 1_000_000:
        raise AssertionError(f"MEMORY USAGE of 400000 bytes says {size}")


@case
def stat_mode_prints_a_line_per_interval():
    cli("SET", key(), "v")
    with Terminal("--stat", "-i", "0.1") as screen:
        screen.expect(r"keys\s+mem\s+clients\s+blocked\s+requests\s+connections")
        row = r"\n[1-9]\d*\s+[\d.]+[BKMG]\s+\d+\s+0\s+\d+ \(\+\d+\)\s+\d+"
        screen.expect(rf"{row}\s+{row}\s+{row}")


@case
def latency_mode_ends_with_figures():
    # Not on a terminal it samples for one interval and prints min, max, average and count.
    low, high, average, count = cli("--raw", "--latency", "-i", "0.5").split()
    if not (0 <= int(low) <= float(average) <= int(high) and int(count) > 5):
        raise AssertionError(f"min {low}, max {high}, average {average}, count {count}")


@case
def latency_history_prints_one_line_per_interval():
    with Terminal("--latency-history", "-i", "0.3") as screen:
        screen.expect(r"min: \d+, max: \d+, avg: [\d.]+ \(\d+ samples\) -- 0\.\d+ seconds range")


def protocol(*words):
    encoded = [word.encode() for word in words]
    parts = [b"*%d\r\n" % len(encoded)]
    parts += [b"$%d\r\n%s\r\n" % (len(word), word) for word in encoded]
    return b"".join(parts)


@case
def pipe_mode_loads_ten_thousand_commands():
    stem = key("pipe")
    load = b"".join(protocol("SET", f"{stem}:{i}", str(i)) for i in range(PIPED_COMMANDS))
    output = cli("--pipe", given=load)
    within(output, f"errors: 0, replies: {PIPED_COMMANDS}")
    equal(cli("GET", f"{stem}:{PIPED_COMMANDS - 1}"), f"{PIPED_COMMANDS - 1}\n")
    equal(cli("GET", f"{stem}:0"), "0\n")


@case
def pipe_mode_counts_errors_and_takes_inline_commands():
    name = key()
    load = f"SET {name} text\r\nINCR {name}\r\nGET {name}\r\n".encode()
    within(cli("--pipe", given=load, check=False), "errors: 1, replies: 3")


@case
def interactive_session_with_hints_and_help():
    name = key()
    with Terminal() as screen:
        screen.type("SETEX ")
        # The hint comes from COMMAND DOCS and stands behind the cursor.
        screen.expect(r"SETEX .*key seconds value")
        screen.type(f"{name} 100 v\r", at_prompt=False)
        screen.expect(r"OK\r\n")
        screen.type(f"TTL {name}\r")
        screen.expect(r"\(integer\) (100|99)")
        screen.type("GETEX ")
        screen.expect(r"GETEX .*key \[EX seconds")
        screen.type(f"{name}\r", at_prompt=False)
        screen.expect(r'"v"\r\n')
        screen.type("help getdel\r")
        screen.expect(r"GETDEL key")
        screen.expect(r"summary: \S+")
        screen.expect(r"since: 6\.2\.0")
        screen.type("help @string\r")
        screen.expect(r"SETRANGE key offset value")


@case
def interactive_transaction_and_select_change_the_prompt():
    name = key()
    with Terminal() as screen:
        screen.type("select 2\r")
        screen.expect(rf":{PORT}\[2\]> ")
        screen.type("multi\r")
        screen.expect(r"\(TX\)> ")
        screen.type(f"set {name} 1\r")
        screen.expect(r"QUEUED")
        screen.type(f"incr {name}\r")
        screen.expect(r"QUEUED")
        screen.type("exec\r")
        screen.expect(r"1\) OK\r\n2\) \(integer\) 2")
        screen.type(f"del {name}\r")
        screen.expect(r"\(integer\) 1")


@case
def interactive_subscribe_shows_messages_and_comes_back():
    channel = key("channel")
    with Terminal() as screen:
        screen.type(f"subscribe {channel}\r")
        screen.expect(r"Reading messages")
        screen.expect(r'"subscribe"')
        equal(cli("PUBLISH", channel, "news"), "1\n")
        screen.expect(r'"news"')


def readme_session():
    """The redis-cli session of README.md: [(what is typed, the lines that it shows), ...]."""
    with open(README, encoding="utf-8") as file:
        block = re.search(r"```\n\$ redis-cli\n(.*?)```", file.read(), re.DOTALL).group(1)
    session = []
    for line in block.splitlines():
        prompt, found, typed = line.partition("127.0.0.1:6379> ")
        if found and not prompt:
            session.append((typed, []))
        else:
            session[-1][1].append(line)
    return session


@case
def the_session_of_the_readme_gives_what_it_shows():
    if not IS_DYNAMO:
        raise Skip("speaks verbs that only dynamo has")
    cli("DEL", "cart")
    session = readme_session()
    if len(session) < 5:
        raise AssertionError(f"the README shows {len(session)} commands")
    context = ""
    with Terminal() as screen:
        for typed, shown in session:
            screen.type(typed.replace("<context>", context) + "\r")
            pattern = re.escape("\r\n".join(shown)).replace("<context>", r"([A-Za-z0-9_-]{20,})")
            screen.expect(rf"\r\n{pattern}\r\n[\d.]+:\d+> $")
            answer = re.search(rf"\r\n{pattern}\r\n", screen.seen)
            context = answer.group(1) if answer.re.groups else context


@cases("-2", "-3")
def info_and_command_are_readable(protocol_version):
    output = cli(protocol_version, "INFO")
    within(output, "# Server", "redis_version:", "# Keyspace", "role:master")
    within(cli(protocol_version, "COMMAND", "INFO", "get"), "get", "readonly")
    count = int(cli(protocol_version, "COMMAND", "COUNT"))
    if count < 60:
        raise AssertionError(f"only {count} commands")


if __name__ == "__main__":
    main()
