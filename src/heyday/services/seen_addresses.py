"""Remember the addresses of a file, however long it is, in memory that does not grow with it."""

import os
from array import array
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from hashlib import blake2b
from itertools import accumulate
from operator import add
from secrets import token_bytes
from tempfile import TemporaryFile
from typing import IO

from heyday.domain.addresses import fold_address

MOST_IN_MEMORY = 1 << 18
"""How many addresses are kept before they go to the disk: some 10 MiB."""

_BUCKETS = 1 << 16
_DIGEST = 16
_LINE = 5


class SeenAddresses:
    """Remember the line of each address.

    Digests of 16 bytes stand for the addresses: two that differ never share one. They are keyed
    with chance, and lie in buckets: the new ones in memory, the others in a file without a name,
    one bucket after the other, so that one look there tells whether an address is known. What
    memory holds is merged into that file from time to time. Where there is no room for a file,
    all stay in memory.
    """

    def __init__(self, most: int = MOST_IN_MEMORY) -> None:
        self._most = most
        self._key = token_bytes(_DIGEST)
        self._in_memory = 0
        self._buckets = _empty()
        self._file: IO[bytes] | None = None
        self._ends = array("Q", bytes(8 * (_BUCKETS + 1)))

    def close(self) -> None:
        """Give the disk back."""
        if self._file:
            self._file.close()

    def add(self, address: str, line: int) -> int | None:
        """Remember an address; return the line of the same one, in any case, if there was one."""
        folded = fold_address(address).encode()
        digest = blake2b(folded, digest_size=_DIGEST, key=self._key).digest()
        number = int.from_bytes(digest[:2], "big")
        bucket = self._buckets[number]
        first = _find(bucket, digest)
        if first is None and self._file:
            first = _find(self._read(self._file, number), digest)
        if first is not None:
            return first
        bucket += digest + line.to_bytes(_LINE, "big")
        self._in_memory += 1
        if self._in_memory >= self._most:
            self._move_to_disk()
        return None

    def _read(self, file: IO[bytes], number: int) -> bytes:
        """Return a bucket of the file."""
        start = self._ends[number]
        return os.pread(file.fileno(), self._ends[number + 1] - start, start)

    def _move_to_disk(self) -> None:
        file = _written(self._merged())
        if file is None:
            # It is tried again when there are twice as many.
            self._most *= 2
            return
        grown = accumulate(map(len, self._buckets), initial=0)
        self._ends = array("Q", map(add, self._ends, grown))
        self.close()
        self._file = file
        self._buckets, self._in_memory = _empty(), 0

    def _merged(self) -> Iterator[bytes | bytearray]:
        """Yield all buckets, of each what the file has, then what memory has."""
        if self._file:
            self._file.seek(0)
        for number, bucket in enumerate(self._buckets):
            if self._file:
                yield self._file.read(self._ends[number + 1] - self._ends[number])
            yield bucket


def _empty() -> list[bytearray]:
    return [bytearray() for _ in range(_BUCKETS)]


def _written(parts: Iterable[bytes | bytearray]) -> IO[bytes] | None:
    """Return a file without a name that holds them; None if there is no room for it."""
    try:
        with ExitStack() as stack:
            file = stack.enter_context(TemporaryFile())
            file.writelines(parts)
            file.flush()
            stack.pop_all()
            return file
    except OSError:
        return None


def _find(bucket: bytes | bytearray, digest: bytes) -> int | None:
    """Return the line of a digest in a bucket."""
    at = bucket.find(digest)
    if at < 0:
        return None
    end = at + _DIGEST
    return int.from_bytes(bucket[end : end + _LINE], "big")
