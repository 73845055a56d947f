"""The tree of a bare Debian: the minimal one, and what README.md says that one needs."""

import contextlib
import fcntl
import hashlib
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp

from tests.bare.cell import ROOT, Cell, Person, cell, program, remove
from tests.bare.machine import Legacy, apt_settings

CHECKOUT = Path(__file__).parents[2]
_NEEDED = re.compile(r"`(apt install [^`]+)`")
_HOSTS = "127.0.0.1 localhost\n::1 localhost\n"
# What answers for a person who is not there: yes.
_YES = 'APT::Get::Assume-Yes "true";\n'
_QUIET = {"DEBIAN_FRONTEND": "noninteractive"}
_LOCK = "in-use"


@dataclass(frozen=True, slots=True)
class Recipe:
    """Hold what makes a tree. needed: the command of README.md that installs what one needs."""

    suite: str
    mirror: str
    needed: str

    @property
    def name(self) -> str:
        """Return the name of the tree, another one when anything of the recipe is another."""
        digest = hashlib.sha256(f"{self.mirror} {self.needed}".encode()).hexdigest()
        return f"{self.suite}-{digest[:12]}"


def needed(readme: str) -> str:
    """Return the command that README.md gives to those who have nothing yet, the only one."""
    (command,) = _NEEDED.findall(" ".join(readme.split()))
    return str(command)


def base(cache: Path, recipe: Recipe, say: Callable[[str], object]) -> Path:
    """Return the tree of a recipe, made if there is none yet. It is only ever copied."""
    whole = cache / recipe.name
    if whole.exists():
        return whole
    with room(cache) as folder:
        tree = folder / "tree"
        say(f"Making a minimal Debian {recipe.suite} from {recipe.mirror}")
        words = ["debootstrap", "--variant=minbase", recipe.suite, str(tree), recipe.mirror]
        with (folder / "log").open("w") as log:
            done = subprocess.run(
                [program(words[0]), *words[1:]], stdout=log, stderr=log, check=False
            )
        if done.returncode:
            last = (folder / "log").read_text("utf-8", "replace")[-2000:]
            raise OSError(f"{' '.join(words)} ended with {done.returncode}:\n{last}")
        (tree / "etc/apt/apt.conf.d/99bare").write_text(apt_settings() + _YES, "utf-8")
        say(f"In it, as README.md says: {recipe.needed}")
        with cell(tree) as machine:
            for line in ("apt-get update -qq", recipe.needed, "apt-get clean"):
                _shell(machine, f"{line} > /var/log/bare 2>&1 || {{ cat /var/log/bare; exit 1; }}")
        tree.rename(whole)
    return whole


@contextlib.contextmanager
def room(cache: Path) -> Iterator[Path]:
    """Lend a folder, and remove it afterwards; and those of runs that were killed."""
    cache.mkdir(parents=True, exist_ok=True)
    for left in cache.glob("run-*"):
        with (left / _LOCK).open("a") as lock, contextlib.suppress(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            remove(left)
    folder = Path(mkdtemp(prefix="run-", dir=cache))
    # The user of the tree has to come through.
    folder.chmod(0o755)
    with (folder / _LOCK).open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            yield folder
        finally:
            remove(folder)


def settle(source: Path, tree: Path, who: Person, legacy: Legacy) -> str:
    """Make the tree of one person, with a clean clone in their folder; return where that is."""
    copy = [program("cp"), "--archive", "--reflink=auto", "--", str(source), str(tree)]
    subprocess.run(copy, check=True)
    (tree / "etc/hosts").write_text(_HOSTS, "ascii")
    shutil.copyfile("/etc/resolv.conf", tree / "etc/resolv.conf")
    for name in legacy.files:
        target = tree / name.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(name, target)
    clone = f"{who.home}/heyday"
    with cell(tree) as machine:
        if who != ROOT:
            _shell(machine, f"useradd --create-home --shell /bin/bash {who.name}")
    words = [program("git"), "clone", "--quiet", "--no-hardlinks", "--", str(CHECKOUT)]
    subprocess.run([*words, f"{tree}{clone}"], check=True)
    with cell(tree) as machine:
        _shell(machine, f"chown -R {who.name}: {clone}")
    return clone


def _shell(machine: Cell, line: str) -> None:
    if status := machine.run(["/bin/sh", "-c", line], ROOT, "/", _QUIET):
        raise OSError(f"`{line}` ended with status {status} in the bare tree")
