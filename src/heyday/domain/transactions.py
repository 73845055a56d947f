"""Let a step commit by itself, although a transaction is open around it."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_IS_APART: ContextVar[bool] = ContextVar("heyday_is_apart", default=False)


@contextmanager
def apart() -> Iterator[None]:
    """Have what is done inside use a connection of its own, whatever transaction is open around.

    For what must stay although the rest is undone, such as partitions that the process remembers
    to have made; and what is nobody's deed (domain/audit.py).
    """
    token = _IS_APART.set(True)
    try:
        yield
    finally:
        _IS_APART.reset(token)


def is_apart() -> bool:
    """Tell whether the present step is to commit by itself."""
    return _IS_APART.get()
