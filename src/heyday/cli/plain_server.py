"""Serve HTTP as a part of a process that has others as well."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import uvicorn

_FINISH_REPLIES = 5
"""Seconds that replies in flight are given at the end."""


class PlainServer(uvicorn.Server):
    """Leave signals to the command, which knows what else must end."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Take no signals."""
        yield


def config_of(
    app: Callable[..., Any], *, proxies: Sequence[str] = (), has_lifespan: bool = False
) -> uvicorn.Config:
    """Return how it serves an application.

    proxies: those that are believed.   has_lifespan: whether the application is told of its begin
    and its end.
    """
    return uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        # Else uvicorn would believe whoever calls from this machine.
        proxy_headers=bool(proxies),
        forwarded_allow_ips=list(proxies),
        lifespan="on" if has_lifespan else "off",
        timeout_graceful_shutdown=_FINISH_REPLIES,
    )
