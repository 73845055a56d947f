"""Send letters by SMTP, over sessions that are kept.

Source: RFC 5321, RFC 1047 (what a lost reply means); DESIGN section 4; docs/adr/0037.
"""

import asyncio
import ssl
from dataclasses import dataclass
from datetime import timedelta

from heyday.domain.delivery import Outcome, OutcomeKind, Trouble
from heyday.domain.letters import LetterWriter
from heyday.domain.models import ClaimedMessage
from heyday.domain.ports import Clock
from heyday.senders.faults import describe
from heyday.senders.lending import Lender, Lending
from heyday.senders.mime import Mail, MimeWriter
from heyday.senders.smtp_connection import SmtpConnection
from heyday.senders.smtp_connections import Server, SmtpConnections
from heyday.senders.smtp_session import NoEntrance
from heyday.senders.smtp_transaction import Stale, hand_over

_NO_ADDRESS = Outcome(OutcomeKind.REFUSED, error="the address is not one that mail can be sent to")


@dataclass(frozen=True, slots=True)
class SmtpConfig:
    """Say which server, and how it is used.

    timeout: the longest that `send` takes.   connect_timeout: the longest that it waits for a
    session.   connections: how many there are at once.
    """

    server: Server
    timeout: timedelta = timedelta(seconds=10)
    connect_timeout: timedelta = timedelta(seconds=5)
    connections: int = 20

    @property
    def patience(self) -> float:
        """Return the longest wait for a session in seconds."""
        return min(self.connect_timeout, self.timeout / 2).total_seconds()


class SmtpSender(Lender[SmtpConnection]):
    """Hand over one letter for each attempt (ports.Sender). Use it as an async context manager."""

    def __init__(
        self, config: SmtpConfig, letters: LetterWriter, mime: MimeWriter, clock: Clock
    ) -> None:
        super().__init__()
        self._config = config
        self._letters = letters
        self._mime = mime
        self._clock = clock

    @property
    def key_lifetime(self) -> None:
        """Tell that mail servers know no keys: each letter that they take is one more."""
        return

    def _begin(self) -> Lending[SmtpConnection]:
        config = self._config
        pool = SmtpConnections(config.server, config.patience)
        return Lending(pool, config.connections, config.patience, NoEntrance)

    async def send(self, message: ClaimedMessage) -> Outcome:
        """Make one attempt, within `timeout`. Every fault of server or network is an outcome."""
        mail = self._mime.write(self._letters.write(message), self._clock.now())
        if mail is None:
            return _NO_ADDRESS
        deadline = asyncio.get_running_loop().time() + self._config.timeout.total_seconds()
        if not await self._lent.has_turn():
            busy = f"all {self._config.connections} connections to the mail server were busy"
            return Outcome(OutcomeKind.NOT_TRIED, error=busy)
        try:
            return await self._send(mail, message, deadline)
        finally:
            self._lent.end_turn()

    async def _send(self, mail: Mail, message: ClaimedMessage, deadline: float) -> Outcome:
        if (kept := self._lent.pool.take()) is not None:
            try:
                return await self._use(kept, mail, message, deadline)
            except Stale:
                pass  # it had waited for too long: it heard nothing of the letter
        fresh = await self._open(deadline)
        if isinstance(fresh, Outcome):
            return fresh
        try:
            return await self._use(fresh, mail, message, deadline)
        except Stale as gone:
            return gone.outcome

    async def _open(self, deadline: float) -> SmtpConnection | Outcome:
        """Return a new session, or what keeps us from one: nothing was handed over then."""
        try:
            async with asyncio.timeout_at(deadline):
                return await self._lent.pool.open()
        except NoEntrance as refusal:
            return refusal.outcome
        except OSError as fault:
            error = describe(fault, "the mail server")
            return Outcome(OutcomeKind.NOT_ACCEPTED, error=error, trouble=Trouble.PROVIDER)

    async def _use(
        self, connection: SmtpConnection, mail: Mail, message: ClaimedMessage, deadline: float
    ) -> Outcome:
        try:
            return await hand_over(connection, mail, message, deadline)
        finally:
            self._lent.pool.give_back(connection)


def trusting(authority: str | None) -> ssl.SSLContext:
    """Return what checks certificates: by the system's authorities, or by those in a file.

    Raises OSError, which ssl.SSLError is too, if there are none in it.
    """
    return ssl.create_default_context(cafile=authority)
