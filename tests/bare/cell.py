"""A machine within this one: its own root, processes, mounts and name, of which nothing survives.

Its first process holds it. That is killed in every way this can end, even by SIGKILL, and the
kernel then ends all processes within and takes the mounts away. The mounts are in no other
namespace, so that whoever deletes the tree from outside finds plain folders.
"""

import contextlib
import os
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from tests.bare.terminal import Terminal

PROGRAMS = ("debootstrap", "unshare", "nsenter", "setpriv", "git", "cp")
# Where Debian keeps them, whatever PATH an ordinary user came with.
SEARCHED = f"{os.defpath}:/usr/local/sbin:/usr/sbin:/sbin"
NAME = "bare"

# The first process of the cell. Its last words become its waiting: a shell buries orphans.
# /dev is made of this machine's nodes: a container may not make its own.
_FURNISH = """
set -eu
hostname bare 2>/dev/null || echo bare > /proc/sys/kernel/hostname
mount --bind "$1" "$1"
cd "$1"; shift
mount -t proc -o nosuid,nodev,noexec proc proc
mount -t sysfs -o nosuid,nodev,noexec,ro sysfs sys
mount -t tmpfs -o nosuid,mode=755 dev dev
mkdir dev/pts dev/shm
for node in null zero full random urandom tty; do
  : > dev/$node; mount --bind /dev/$node dev/$node
done
mount -t devpts -o newinstance,ptmxmode=666,mode=620,gid=5 devpts dev/pts
mount -t tmpfs -o nosuid,nodev,mode=1777 shm dev/shm
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
ln -s fd/0 dev/stdin; ln -s fd/1 dev/stdout; ln -s fd/2 dev/stderr
for shared in "$@"; do
  mkdir -p ".$shared"; mount --bind "$shared" ".$shared"
  mount -o remount,bind,ro ".$shared"
done
mkdir -p mnt
pivot_root . mnt
cd /
umount -l /mnt
echo furnished
exec sh -c 'while :; do sleep 3600 & wait $!; done' < /dev/null > /dev/null 2>&1
"""
# What the last line sleeps by.
_WAITING = "sleep 3600 "
_PAUSE = 0.1


@dataclass(frozen=True, slots=True)
class Person:
    """Hold who sits at the machine."""

    name: str

    @property
    def home(self) -> str:
        """Return their folder."""
        return "/root" if self.name == "root" else f"/home/{self.name}"

    @property
    def environment(self) -> dict[str, str]:
        """Return what a login gives them, and nothing else."""
        more = "/usr/local/sbin:/usr/sbin:/sbin:" if self.name == "root" else ""
        return {
            "HOME": self.home,
            "USER": self.name,
            "LOGNAME": self.name,
            "SHELL": "/bin/bash",
            "PATH": f"{more}/usr/local/bin:/usr/bin:/bin",
            "TERM": "xterm",
        }


ROOT = Person("root")


@dataclass(frozen=True, slots=True)
class Cell:
    """Hold what commands enter by. holder: the first process, as this machine counts them."""

    holder: int

    def run(self, words: Sequence[str], who: Person, cwd: str, more: Mapping[str, str]) -> int:
        """Run a command to its end, its output where ours goes; return its exit status."""
        done = subprocess.run(
            self._entering(words, who, cwd),
            env={**who.environment, **more},
            stdin=subprocess.DEVNULL,
            check=False,
        )
        return done.returncode

    def open(
        self, words: Sequence[str], who: Person, cwd: str, more: Mapping[str, str]
    ) -> Terminal:
        """Start a command in a terminal of its own."""
        in_terminal = ("setsid", "--ctty", "--wait", *words)
        return Terminal(self._entering(in_terminal, who, cwd), {**who.environment, **more})

    def left_running(self, patience: float) -> list[str]:
        """Return what still runs when patience (seconds) is over: nothing, if all is well."""
        end = perf_counter() + patience
        while (found := self._processes()) and perf_counter() < end:
            threading.Event().wait(_PAUSE)
        return found

    def left_in_memory(self) -> list[str]:
        """Return the names that are left in /dev/shm."""
        return sorted(path.name for path in Path(f"/proc/{self.holder}/root/dev/shm").iterdir())

    def _processes(self) -> list[str]:
        """Return the command of each process within, but for the first one and its sleep."""
        here = Path(f"/proc/{self.holder}/ns/pid").readlink()
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            # One that ends while it is looked at is none.
            with contextlib.suppress(OSError):
                if (folder / "ns/pid").readlink() != here or int(folder.name) == self.holder:
                    continue
                parent = int((folder / "stat").read_text("utf-8").rpartition(")")[2].split()[1])
                words = (folder / "cmdline").read_text("utf-8", "replace").replace("\0", " ")
                if not (parent == self.holder and words == _WAITING):
                    found.append(words)
        return found

    def _entering(self, words: Sequence[str], who: Person, cwd: str) -> list[str]:
        namespaces = ("--mount", "--pid", "--uts", "--ipc", "--root")
        become = (f"--reuid={who.name}", f"--regid={who.name}", "--init-groups")
        enter = [program("nsenter"), f"--target={self.holder}", *namespaces, "--"]
        # What runs in the background of a shell heeds no Ctrl-C; what is logged in does.
        where = ("/usr/bin/env", "--default-signal", f"--chdir={cwd}")
        return [*enter, *where, "/usr/bin/setpriv", *become, *words]


def program(name: str) -> str:
    """Return where one of our tools is; the name itself where it is not installed."""
    return shutil.which(name, path=SEARCHED) or name


@contextlib.contextmanager
def cell(tree: Path, shared: Sequence[str] = ()) -> Iterator[Cell]:
    """Make a machine of a tree. shared: folders of this one, which it may read."""
    # Whoever starts it may die as suddenly as they like: each dies with the one above it.
    with subprocess.Popen(
        [
            *(program("setpriv"), "--pdeathsig=KILL"),
            *(program("unshare"), "--mount", "--pid", "--uts", "--ipc", "--fork"),
            *("--kill-child=KILL", "--propagation=private", "--"),
            *("/bin/sh", "-c", _FURNISH, "furnish", str(tree), *shared),
        ],
        env={"PATH": SEARCHED},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    ) as keeper:
        try:
            assert keeper.stdout
            if keeper.stdout.readline() != "furnished\n":
                raise OSError(f"no machine could be made of {tree}; what is above says why")
            children = Path(f"/proc/{keeper.pid}/task/{keeper.pid}/children")
            yield Cell(int(children.read_text("ascii")))
        finally:
            keeper.kill()


def remove(tree: Path) -> None:
    """Delete a tree; refuse if anything is mounted within, as that would be deleted, too."""
    mounts = Path("/proc/self/mountinfo").read_text("utf-8").splitlines()
    # The fifth field is the place, with spaces and the like as \040.
    places = [re.sub(r"\\(\d{3})", lambda m: chr(int(m[1], 8)), m.split()[4]) for m in mounts]
    if within := [place for place in places if Path(place).is_relative_to(tree.resolve())]:
        raise OSError(f"{tree} stays: something is mounted at {', '.join(within)}")
    subprocess.run(["/bin/rm", "-rf", "--one-file-system", "--", tree], check=True)
