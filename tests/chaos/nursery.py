"""Fork Heyday's processes out of one that has imported it, so that a start costs a fork.

Run by tests/chaos/processes.py. What it starts are processes like any others: the program
`heyday`, with an environment, a folder and a log file of its own, open to every signal.

Each line of standard input is an order, each line of standard output an answer, in JSON:
    {"start": 1, "words": ["worker"], "environment": {...}, "folder": "...", "log": "..."}
        -> {"started": 1, "pid": 4711, "code": "..."}, where the code is that it runs
    {"signal": 9, "pid": 4711}          only to a child that has not been buried
        -> {"ended": 4711, "status": -9}, sooner or later
At the end of its input it ends, and takes its children with it.
"""

import gc
import json
import os
import selectors
import signal
import sys
from typing import Any, NoReturn

import heyday.bootstrap
import heyday.cli.serve
import heyday.cli.welcome  # these three are what children start with
from heyday.cli.app import main


class Nursery:
    """Start children, pass signals on to them, and tell of their ends."""

    def __init__(self) -> None:
        self._children: set[int] = set()
        self._woken, waker = os.pipe()
        for end in (self._woken, waker):
            os.set_blocking(end, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(waker)

    def run(self) -> None:
        """Serve until the input ends."""
        orders = b""
        with selectors.DefaultSelector() as selector:
            selector.register(sys.stdin.fileno(), selectors.EVENT_READ)
            selector.register(self._woken, selectors.EVENT_READ)
            while True:
                for key, _ in selector.select():
                    data = os.read(key.fd, 65536)
                    if key.fd == self._woken:
                        self._bury()
                    elif not data:
                        return self._end()
                    else:
                        *lines, orders = (orders + data).split(b"\n")
                        for line in lines:
                            self._obey(json.loads(line))

    def _obey(self, order: dict[str, Any]) -> None:
        if "start" in order:
            pid = os.fork()
            if pid == 0:
                _become_heyday(order)
            self._children.add(pid)
            _tell(started=order["start"], pid=pid, code=heyday.bootstrap.__file__)
        elif order["pid"] in self._children:
            os.kill(order["pid"], order["signal"])

    def _bury(self) -> None:
        for pid in list(self._children):
            found, status = os.waitpid(pid, os.WNOHANG)
            if found:
                self._children.remove(pid)
                _tell(ended=pid, status=os.waitstatus_to_exitcode(status))

    def _end(self) -> None:
        for pid in self._children:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


def _tell(**answer: int | str) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


def _become_heyday(order: dict[str, Any]) -> NoReturn:
    """Do what the program `heyday` does; this child never returns to the nursery's code."""
    status = 1
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        nothing = os.open(os.devnull, os.O_RDONLY)
        log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        for source, target in ((nothing, 0), (log, 1), (log, 2)):
            os.dup2(source, target)
        os.chdir(order["folder"])
        os.environ.clear()  # noqa: TID251 - a child has its own, as from a shell
        os.environ.update(order["environment"])  # noqa: TID251 - the same
        sys.argv = ["heyday", *order["words"]]
        main()
        status = 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:  # noqa: BLE001 - a traceback in its log, as Python itself would do
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


if __name__ == "__main__":
    # What is there at the fork stays shared: no child's collector touches it.
    gc.collect()
    gc.freeze()
    Nursery().run()
