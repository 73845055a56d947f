"""Name everything that can go wrong, as one tree.

HeydayError
|-- InvalidInput            what was given breaks a rule; lists every offending field
|   |-- UnknownTimezone     no such zone in the tz database
|   `-- TextRefused         a text that holds what no text may; says where
|-- NotFound                no live record has this id
|   |-- UnknownKey          no API key has this prefix
|   |-- UnknownLink         no link of ours reads like this
|   |-- ImportNotFound      no import has this id
|   |-- MessageNotFound     no greeting has this id
|   |-- MessageTypeNotFound no message type has this name
|   |-- TextNotFound        no text for this message type and language
|   `-- DeadBatchNotFound   nothing that was set aside has this id
|-- Conflict                the state of the data forbids the request
|   |-- Changed             the person is no longer as the caller knows them
|   |-- TextChanged         the text is no longer as the caller knows it
|   |-- EmailTaken          another live person has this address
|   |-- NamedInImport       a file that is being imported names who is to be erased
|   `-- IllegalMove         a status may not change that way
|-- ResolutionRefused       greetings that cannot be settled so; holds the fault of each
|-- MalformedKey            an Idempotency-Key that is none
|-- KeyReused               an Idempotency-Key stands for another request already
|-- KeyInUse                the first request with an Idempotency-Key is still under way
|-- TooManyRequests         a caller asks more often than is allowed
|-- ConfigurationError      a setting is missing or contradicts another
|-- DatabaseError           PostgreSQL refused or failed
|   |-- DatabaseUnavailable no connection could be had in time
|   |-- SchemaBusy          a migration got no lock in time
|   `-- EmbeddedServerError the private PostgreSQL could not be started
|-- TextFailed              a text could not be rendered within its limits
|-- SendingPaused           nothing is planned or sent for now
|   |-- ClockUntrusted      clocks contradict each other: nobody can say what time it is
|   |-- DatabaseHeld        the database was restored, or somebody holds everything
|   `-- SendsUnwritable     the ledger of sends cannot be written, or read
|-- NotHeld                 there is no hold to be ended
|-- LedgerAhead             the ledger of sends knows what the database does not
|-- TransportError          a batch could not be handed over, or not surely
|   `-- TransportMisfit     what carries batches is not as Heyday needs it
|-- Unreachable             a host that is needed does not answer as it should
|-- NotSigned               events of a provider whose signature does not hold
|-- EventsUnreadable        signed events that are not of the form we know
|-- SourceUnavailable       what signatures are checked with cannot be had at present
`-- SimulationStalled       something in a simulation works without end
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """Say which field breaks which rule. `field` is a name such as `email`; never holds a value.

    inside: leads to the part that is wrong, of a field that has parts, such as ("month",).
    """

    field: str
    detail: str
    inside: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Return the field's name and its part's, such as birthday_date.month."""
        return ".".join((self.field, *self.inside))


class HeydayError(Exception):
    """Stand for any fault that Heyday explains; its text is fit to be shown to a person."""


class InvalidInput(HeydayError):
    """Refuse what was given; `problems` names every field that is wrong."""

    def __init__(self, problems: Sequence[FieldProblem]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(f"{p.name}: {p.detail}" for p in self.problems))


class UnknownTimezone(InvalidInput):
    """Refuse a zone name that the tz database does not hold."""

    def __init__(self, field: str = "timezone") -> None:
        detail = "is not an IANA time zone; expected a name such as Europe/Berlin or UTC"
        super().__init__([FieldProblem(field, detail)])


class TextRefused(InvalidInput):
    """Refuse a text; each problem names the part (subject, text, html), the line, what is known."""


class NotFound(HeydayError):
    """Report that no live record has the id that was asked for."""


class UnknownKey(NotFound):
    """Report that no API key has the prefix that was asked for."""

    def __init__(self) -> None:
        super().__init__("no API key has this prefix; `heyday keys list` shows those there are")


class UnknownLink(NotFound):
    """Report that a link to unsubscribe is none of ours; it tells nothing else."""

    def __init__(self) -> None:
        super().__init__("this link does not work; open it whole, as it stands in the letter")


class ImportNotFound(NotFound):
    """Report that no import has the id that was asked for."""

    def __init__(self) -> None:
        super().__init__("there is no import with this id; it may have been deleted")


class MessageNotFound(NotFound):
    """Report that no greeting has the id that was asked for."""

    def __init__(self) -> None:
        super().__init__("there is no greeting with this id; its month may have been dropped")


class MessageTypeNotFound(NotFound):
    """Report that there is no message type of this name."""

    def __init__(self, known: Sequence[str]) -> None:
        super().__init__(f"there is no message type of this name; known: {', '.join(known)}")


class TextNotFound(NotFound):
    """Report that there is no text for the message type and language that were asked for."""

    def __init__(self) -> None:
        super().__init__(
            "there is no such text in this language; /api/v1/texts lists those there are"
        )


class DeadBatchNotFound(NotFound):
    """Report that nothing which a transport has set aside has the id that was asked for."""

    def __init__(self) -> None:
        super().__init__(
            "nothing that was set aside has this id; it may have been delivered again, or deleted"
        )


class Conflict(HeydayError):
    """Report that the data, as it stands, forbids the request."""


class Changed(Conflict):
    """Report that a person has changed since the caller read them; nothing was done."""

    def __init__(self) -> None:
        super().__init__(
            "this person has changed since you read them; read them again and decide anew"
        )


class TextChanged(Conflict):
    """Report that a text has changed since the caller read it; nothing was done."""

    def __init__(self) -> None:
        super().__init__("this text has changed since you read it; read it again and decide anew")


class EmailTaken(Conflict):
    """Report that another live person has this address, whatever its case."""

    def __init__(self) -> None:
        super().__init__(
            "another person already has this email address; use a different one, "
            "or delete the other person first"
        )


class NamedInImport(Conflict):
    """Report that a person cannot be erased, for a file that is being imported names them."""

    def __init__(self) -> None:
        super().__init__(
            "a file that is being imported names this person; erase them when it is done, "
            "or cancel it first"
        )


class IllegalMove(Conflict):
    """Report a change of status that the transition table does not hold, or not for this caller."""

    def __init__(self, source: str, target: str, detail: str) -> None:
        self.source = source
        self.target = target
        super().__init__(f"a greeting cannot go from {source} to {target}; {detail}")


class ResolutionRefused(HeydayError):
    """Report that nothing was settled; `faults` names what is wrong with which id."""

    def __init__(self, faults: Mapping[str, HeydayError]) -> None:
        self.faults = dict(faults)
        lines = [f"  {given}: {fault}" for given, fault in faults.items()]
        super().__init__("\n".join(["nothing was changed", *lines]))


class MalformedKey(HeydayError):
    """Refuse an Idempotency-Key that is empty, too long, or not of visible ASCII characters."""


class KeyReused(HeydayError):
    """Report that an Idempotency-Key was used for another request; nothing was done."""


class KeyInUse(HeydayError):
    """Report that the first request with an Idempotency-Key is still under way."""

    def __init__(self) -> None:
        self.retry_after = timedelta(seconds=1)
        super().__init__(
            "a request with this Idempotency-Key is still under way; repeat yours to get its reply"
        )


class TooManyRequests(HeydayError):
    """Refuse a caller who asks too often; `retry_after` is when the next request is free.

    how: what there was too much of, such as "with your key".
    """

    def __init__(self, retry_after: timedelta, how: str = "from your address") -> None:
        self.retry_after = retry_after
        super().__init__(f"too many requests came {how}; Retry-After says when to go on")


class ConfigurationError(HeydayError):
    """Report a setting that is missing, malformed, or contradicts another."""


class DatabaseError(HeydayError):
    """Report that PostgreSQL refused or failed."""


class DatabaseUnavailable(DatabaseError):
    """Report that no connection to PostgreSQL could be had in time."""


class SchemaBusy(DatabaseError):
    """Report that a migration got no lock within its patience, and changed nothing.

    what: the migration.   behind: who was in the way, in words.
    """

    def __init__(self, what: str, patience: timedelta, behind: Sequence[str]) -> None:
        who = "; ".join(behind) or "nobody that could be seen"
        super().__init__(
            f"{what} got no lock within {patience.total_seconds():g} s, and changed nothing. "
            f"In the way: {who}. Wait for their end, or end one yourself "
            "(SELECT pg_terminate_backend(PID)), then run it again: heyday db migrate"
        )


class EmbeddedServerError(DatabaseError):
    """Report that the private PostgreSQL server could not be started or stopped."""


class TextFailed(HeydayError):
    """Report that a text could not be rendered within its limits."""


class SendingPaused(HeydayError):
    """Report that nothing is planned or sent for now; its text says why, and until when."""


class ClockUntrusted(SendingPaused):
    """Report that wall, monotonic and database clock contradict each other."""


class DatabaseHeld(SendingPaused):
    """Report that the database was restored, or that somebody holds everything."""


class SendsUnwritable(SendingPaused):
    """Report that the ledger of sends cannot be written, or read."""

    def __init__(self, fault: str) -> None:
        super().__init__(
            f"the ledger of sends {fault}; nothing is sent until it can be: see that its disk has "
            "room, and that HEYDAY_SENDS is a folder of Heyday's user"
        )


class NotHeld(HeydayError):
    """Report that there is no hold to be ended."""

    def __init__(self) -> None:
        super().__init__("nothing is held: Heyday plans and sends")


class LedgerAhead(HeydayError):
    """Refuse to go on while the ledger of sends knows what the database does not."""

    def __init__(self, greetings: int) -> None:
        super().__init__(
            f"the ledger of sends knows of {greetings} greetings what the database does not, and "
            "they would leave again: `heyday sends replay` first; to go on all the same: --anyway"
        )


class TransportError(HeydayError):
    """Report that batches could not be handed over, or that nobody can say whether they were."""


class TransportMisfit(TransportError):
    """Report that RabbitMQ holds something else under a name of Heyday's."""


class Unreachable(HeydayError):
    """Report that a host does not answer as it should, in words that name no user or password."""


class NotSigned(HeydayError):
    """Refuse events that no provider of ours has signed; `fault` is for the log alone.

    fault: one of our own words for what is wrong; nothing that came.
    """

    def __init__(self, fault: str) -> None:
        self.fault = fault
        super().__init__("this is signed by no provider that is set up here")


class EventsUnreadable(HeydayError):
    """Report that what a provider signed is not of the form that its documents describe."""


class SourceUnavailable(HeydayError):
    """Report that a certificate of the provider could not be fetched; it is to send again."""


class SimulationStalled(HeydayError):
    """Report that something worked for so long, on a real clock, that it will hardly end."""
