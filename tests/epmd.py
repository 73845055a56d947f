"""Give private nodes of RabbitMQ an epmd, Erlang's name service, that ends when they do.

Where none answers, a node starts one as a daemon, which outlives it and belongs to nobody. This
one is a process of ours on a port of its own: it is ended by its id, whoever else runs one.
"""

import os
import socket
import subprocess
import threading
from dataclasses import dataclass, field

from heyday.db.embedded.cluster import free_port

_STARTS_WITHIN = 20.0
_LOOK_EVERY = 0.02


@dataclass
class NameService:
    """Run one epmd, for one node or for all of a cluster."""

    port: int = field(default_factory=free_port)
    _process: "subprocess.Popen[bytes] | None" = None

    @property
    def environment(self) -> dict[str, str]:
        """What leads Erlang to it, and keeps Erlang from starting another one."""
        return {**self._place, "ERL_FLAGS": "-start_epmd false"}

    def answers(self) -> bool:
        """Tell whether something takes connections on its port."""
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
        except OSError:
            return False
        return True

    def start(self) -> None:
        """Start it unless it runs, and return when it answers."""
        if self._process is not None and self._process.poll() is None:
            return
        self._process = subprocess.Popen(
            ["/usr/bin/env", "epmd"],
            env={"PATH": os.defpath, **self._place},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        for _ in range(int(_STARTS_WITHIN / _LOOK_EVERY)):
            if self._process.poll() is not None:
                break
            if self.answers():
                return
            threading.Event().wait(_LOOK_EVERY)
        self.stop()
        raise RuntimeError(f"epmd did not start on port {self.port}")

    def stop(self) -> None:
        """End it, if it runs."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    @property
    def _place(self) -> dict[str, str]:
        return {"ERL_EPMD_PORT": str(self.port), "ERL_EPMD_ADDRESS": "127.0.0.1"}
