"""What this machine hands on to a bare one: where packages come from, and whom to trust."""

import ast
import os
import platform
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.bare.cell import PROGRAMS, SEARCHED, program

# Settings of pip that say how packages are reached; every other is this machine's own affair.
_WAYS = frozenset(
    {
        "cert",
        "client-cert",
        "default-timeout",
        "extra-index-url",
        "find-links",
        "index-url",
        "no-index",
        "proxy",
        "retries",
        "timeout",
        "trusted-host",
    }
)
# Files of certificates, for programs other than pip.
_TRUST = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")
_PROXIES = ("http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
_FILES = frozenset({"PIP_CERT", "PIP_CLIENT_CERT", *_TRUST})
# How many processes tests take, where somebody has bounded them.
_WORKERS = "PYTEST_XDIST_AUTO_NUM_WORKERS"


@dataclass(frozen=True, slots=True)
class Legacy:
    """Hold what a bare machine gets. files are copied, folders lent: each under the same path."""

    environment: Mapping[str, str]
    files: tuple[str, ...]
    folders: tuple[str, ...]


class Impossible(Exception):
    """This machine cannot make a bare one: what it lacks, and what to do."""


def check() -> None:
    """Raise Impossible unless trees can be made and entered here."""
    if sys.platform != "linux":
        raise Impossible("a bare Debian is made on Linux alone")
    if os.geteuid() != 0:
        raise Impossible("only root may make one: sudo make test-bare")
    if lacking := [name for name in PROGRAMS if program(name) == name]:
        raise Impossible(
            f"not installed here: {', '.join(lacking)} (apt install debootstrap util-linux git)"
        )
    words = [program("unshare"), "--mount", "--pid", "--fork", "/bin/true"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Impossible(f"this container may not make namespaces: {done.stderr.strip()}")


def find_mirror() -> str:
    """Return the URL from which this Debian takes its packages. Raises Impossible."""
    release = platform.freedesktop_os_release()
    if release["ID"] == "debian":
        told = _output("apt-get", "indextargets", "--format", "$(RELEASE) $(COMPONENT) $(SITE)")
        for line in told.splitlines():
            suite, component, site = line.split(maxsplit=2)
            if component == "main" and suite in {release.get("VERSION_CODENAME"), "stable"}:
                return site
    raise Impossible("no mirror of Debian is known here; name one: BARE='--mirror URL'")


def apt_settings() -> str:
    """Return how this machine's apt reaches its mirror, as a file of settings."""
    dump = _output("apt-config", "dump")
    ways = ("Acquire::http", "Acquire::https", "Acquire::Check-", "Acquire::Retries")
    return "\n".join(line for line in dump.splitlines() if line.startswith(ways)) + "\n"


def legacy() -> Legacy:
    """Return what pip and others need to reach packages as this machine reaches them."""
    own = os.environ  # noqa: TID251 - what this machine hands on
    told = _output(sys.executable, "-m", "pip", "config", "list")
    environment = {**dict(pip_settings(told)), **_pip_variables(own)}
    for name in (*_TRUST, *_PROXIES, _WORKERS):
        if name in own:
            environment[name] = own[name]
    named = {environment[name] for name in _FILES & environment.keys()}
    files = tuple(sorted(name for name in named if Path(name).is_file()))
    links = environment.get("PIP_FIND_LINKS", "").split()
    folders = tuple(link for link in links if link.startswith("/") and Path(link).is_dir())
    return Legacy(environment, files, folders)


def _pip_variables(own: Mapping[str, str]) -> dict[str, str]:
    names = {f"PIP_{way.replace('-', '_').upper()}" for way in _WAYS}
    return {name: own[name] for name in names & own.keys()}


def pip_settings(told: str) -> Iterator[tuple[str, str]]:
    """Read what `pip config list` says: global.index-url='https://...'."""
    for line in told.splitlines():
        name, _, value = line.partition("=")
        way = name.rpartition(".")[2]
        if way not in _WAYS:
            continue
        # An index in a folder refers to files that lie anywhere.
        kept = [word for word in ast.literal_eval(value).split() if not word.startswith("file:")]
        if kept:
            yield f"PIP_{way.replace('-', '_').upper()}", " ".join(kept)


def _output(*words: str) -> str:
    """Return what a command says; nothing where it is missing or fails."""
    try:
        done = subprocess.run(
            words,
            env={**os.environ, "PATH": SEARCHED},  # noqa: TID251 - apt and pip read theirs
            capture_output=True,
            text=True,
            check=False,
        )
    except FileNotFoundError:
        return ""
    return done.stdout
