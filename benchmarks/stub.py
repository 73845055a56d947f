"""Stand in for a provider that accepts everything: `python -m benchmarks.stub`.

What it costs is taken from those who are measured, for all share the cores; so it does little: one
write for whatever came in one read, and no look at what a letter says.

    POST /send-email    one greeting, whose key is in the header Idempotency-Key
    POST /send-batch    up to thousands, as `{"messages": [{"idempotency_key": "...", ...}, ...]}`
    GET  /count         how many greetings came so far, as `{"greetings": 4711}`

The log has a line for each greeting: when it came, in seconds since 1970, and its key.
"""

import argparse
import asyncio
import gc
import signal
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, cast

import msgspec
import uvloop

_BACKLOG = 4096
_FLUSH_EVERY = 0.2
_BLANK = b"\r\n\r\n"
_LENGTH, _KEY = b"\r\ncontent-length:", b"\r\nidempotency-key:"
_SINGLE, _BATCH, _COUNT = b"POST /send-email ", b"POST /send-batch ", b"GET /count "
_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
# Each has an id of its own, as real providers give one, and the same length.
_ACCEPTED = b'{"success": true, "id": "%012d"}'
_ONE = _HEAD % len(_ACCEPTED % 0) + _ACCEPTED
_REFUSED = b"HTTP/1.1 %s\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class _Message(msgspec.Struct):
    idempotency_key: str


class _Messages(msgspec.Struct):
    messages: list[_Message]


_read_messages = msgspec.json.Decoder(_Messages).decode


class _BadRequest(Exception):
    """Hold the status line of an answer after which the connection is closed."""


class Log:
    """Keep what came, and write it in large pieces."""

    def __init__(self, file: BinaryIO) -> None:
        self.count = 0
        self._file = file
        self._lines: list[bytes] = []

    def note(self, at: float, key: bytes) -> int:
        """Note a greeting; return its number."""
        self._lines.append(b"%.6f %s\n" % (at, key))
        self.count += 1
        return self.count

    def flush(self) -> None:
        """Write down what is not yet."""
        if self._lines:
            self._file.write(b"".join(self._lines))
            self._file.flush()
            self._lines.clear()

    async def run(self) -> None:
        """Write down what came, again and again."""
        while True:
            await asyncio.sleep(_FLUSH_EVERY)
            self.flush()


class Stub(asyncio.Protocol):
    """Serve one connection: requests may come in pieces, or many at once.

    latency: seconds from a request to its answer.
    """

    def __init__(self, log: Log, latency: float = 0.0) -> None:
        self._log = log
        self._latency = latency
        self._rest = b""
        self._transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast("asyncio.WriteTransport", transport)

    def data_received(self, data: bytes) -> None:
        """Answer every request that is whole by now; keep the beginning of another."""
        if self._rest:
            data = self._rest + data
        now = time.time()  # noqa: TID251 - lateness is told by the wall
        answers: list[bytes] = []
        at = 0
        try:
            while (end := data.find(_BLANK, at)) >= 0:
                head = data[at:end]
                low = head.lower()
                body = end + len(_BLANK)
                length = int(_header(low, head, _LENGTH) or 0)
                if len(data) < body + length:
                    break
                at = body + length
                answers.append(self._answer(now, head, low, data[body:at]))
        except (_BadRequest, ValueError, msgspec.DecodeError) as problem:
            status = problem.args[0] if isinstance(problem, _BadRequest) else b"400 Bad Request"
            self._write(b"".join(answers) + _REFUSED % status, is_last=True)
            return
        self._rest = data[at:]
        if answers:
            self._write(answers[0] if len(answers) == 1 else b"".join(answers))

    def _answer(self, now: float, head: bytes, low: bytes, body: bytes) -> bytes:
        if head.startswith(_SINGLE):
            return _ONE % self._log.note(now, _header(low, head, _KEY))
        if head.startswith(_BATCH):
            note = self._log.note
            keys = [message.idempotency_key for message in _read_messages(body).messages]
            results = b", ".join([_ACCEPTED % note(now, key.encode()) for key in keys])
            answer = b'{"results": [%s]}' % results
        elif head.startswith(_COUNT):
            answer = b'{"greetings": %d}' % self._log.count
        else:
            raise _BadRequest(b"404 Not Found")
        return _HEAD % len(answer) + answer

    def _write(self, answer: bytes, *, is_last: bool = False) -> None:
        if self._latency:
            loop = asyncio.get_running_loop()
            loop.call_later(self._latency, self._write_now, answer, is_last)
        else:
            self._write_now(answer, is_last)

    def _write_now(self, answer: bytes, is_last: bool) -> None:  # noqa: FBT001 - by call_later
        if self._transport and not self._transport.is_closing():
            self._transport.write(answer)
            if is_last:
                self._transport.close()


def _header(low: bytes, head: bytes, name: bytes) -> bytes:
    """Return what a header says. low: the head in small letters, as `name` is."""
    at = low.find(name)
    if at < 0:
        return b""
    at += len(name)
    end = head.find(b"\r\n", at)
    return (head[at:] if end < 0 else head[at:end]).strip()


def read_log(path: Path) -> Iterator[tuple[float, str]]:
    """Yield when each greeting came, in seconds since 1970, and its key."""
    with path.open("rb") as log:
        for line in log:
            at, _, key = line.rstrip(b"\n").partition(b" ")
            yield float(at), key.decode()


async def serve(log: Log, port: int, latency: float) -> None:
    """Print the URL, and serve until SIGTERM or SIGINT."""
    loop = asyncio.get_running_loop()
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    server = await loop.create_server(
        lambda: Stub(log, latency), "127.0.0.1", port, backlog=_BACKLOG
    )
    writing = asyncio.create_task(log.run())
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    gc.collect()
    gc.freeze()
    await stopping.wait()
    writing.cancel()
    server.close()


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until stopped."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--port", type=int, default=0, help="0: any that is free")
    parser.add_argument("--log", type=Path, required=True, help="file that greetings are added to")
    parser.add_argument("--latency", type=float, default=0.0, help="seconds before each answer")
    options = parser.parse_args(arguments)
    with options.log.open("ab") as file:
        log = Log(file)
        uvloop.run(serve(log, options.port, options.latency))
        log.flush()


if __name__ == "__main__":
    main()
