"""Say in plain words what a greeting's status means, and what a person's decision brings."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from heyday.domain.resolutions import GreetingRow, decisions_for
from heyday.domain.transitions import Status
from heyday.web.marking import _

_MINUTE = timedelta(minutes=1)

STATUS_NAMES: Final[Mapping[Status, str]] = {
    Status.SCHEDULED: _("Planned"),
    Status.QUEUED: _("Queued"),
    Status.SENDING: _("Being sent"),
    Status.SENT: _("Sent"),
    Status.FAILED: _("Failed"),
    Status.RETRYING: _("To be tried again"),
    Status.CANCELLED: _("Cancelled"),
    Status.SKIPPED: _("Skipped"),
    Status.UNKNOWN: _("Unknown: waits for a decision"),
}
"""What each status is called in lists to choose from."""

KIND_NAMES: Final[Mapping[str, str]] = {
    "BIRTHDAY": _("Birthday"),
    "ANNIVERSARY": _("Work anniversary"),
}
"""What each message type is called."""

STATUS_MEANINGS: Final[Mapping[Status, str]] = {
    Status.SCHEDULED: _("It is planned, and leaves by itself when its time has come."),
    Status.QUEUED: _("Its time is near or has come: a worker takes it up and sends it."),
    Status.SENDING: _("A worker is sending it at this moment. What comes of it shows here soon."),
    Status.SENT: _("The provider took it. That is final."),
    Status.FAILED: _(
        "The provider refused it, or every attempt failed. Nothing tries it again by itself."
    ),
    Status.RETRYING: _("The last attempt brought nothing. It is tried again by itself."),
    Status.CANCELLED: _("It will not be sent: its person left or changed, or somebody decided so."),
    Status.SKIPPED: _(
        "It was not sent, because it came too late or because its person had been greeted for the "
        "same occasion. That is final."
    ),
    Status.UNKNOWN: _(
        "Nobody can say whether the provider took it: the answer to an attempt was lost. Look for "
        "its key in the provider's own records, then decide."
    ),
}
"""What each status means, and what happens next."""

OUTCOMES: Final[Mapping[str, str]] = {
    "accepted": _("the provider took it"),
    "refused": _("the provider refused it for good"),
    "not_accepted": _("surely not taken this time"),
    "ambiguous": _("ambiguous: nobody can say whether it was taken"),
    "not_tried": _("not tried after all"),
    "forgotten": _("not tried: the provider would not know an earlier attempt any more"),
}
"""What is said of an attempt by its outcome."""

EVENTS: Final[Mapping[str, str]] = {
    "accepted": _("the provider took it"),
    "delivered": _("delivered: the person's mail server took it"),
    "delayed": _("delayed: the person's mail server would not take it yet"),
    "returned": _("returned for a passing reason, such as a full mailbox"),
    "bounced": _("bounced: there is no such address"),
    "dropped": _("dropped: the provider did not even try"),
    "complained": _("complaint: its person called it spam"),
    "unsubscribed": _("its person left by the provider's own means"),
}
"""What is said of an event that a provider told."""


@dataclass(frozen=True, slots=True)
class Deed:
    """Describe what a person may do, as forms name it.

    path: where it is sent.   button, and for many: many_button.   asks, yes, done: the question,
    its yes, and what is said then, each of one and of many.
    consequence: what follows.   is_grave: nothing takes it back.
    """

    name: str
    path: str
    target: Status
    button: str
    many_button: str
    asks: tuple[str, str]
    yes: tuple[str, str]
    done: tuple[str, str]
    consequence: str
    is_grave: bool = False


CANCEL: Final = Deed(
    "cancel",
    "cancel",
    Status.CANCELLED,
    _("Cancel it"),
    _("Cancel"),
    (_("Cancel %(num)s greeting?"), _("Cancel %(num)s greetings?")),
    (_("Cancel %(num)s greeting"), _("Cancel %(num)s greetings")),
    (_("%(num)s greeting was cancelled."), _("%(num)s greetings were cancelled.")),
    _(
        "It is never sent: no edit and no plan brings it back. Next year's greeting is another. "
        "What a worker is sending by then goes on."
    ),
    is_grave=True,
)
RETRY: Final = Deed(
    "retry",
    "retry",
    Status.RETRYING,
    _("Send it again"),
    _("Send again"),
    (_("Send %(num)s greeting again?"), _("Send %(num)s greetings again?")),
    (_("Send %(num)s greeting again"), _("Send %(num)s greetings again")),
    (_("%(num)s greeting is sent again now."), _("%(num)s greetings are sent again now.")),
    _(
        "It leaves at once, with the same key, to the address that its person has now, unless they "
        "left meanwhile. Where an attempt is unknown, this may be a second letter: send again only "
        "what the provider's records do not have."
    ),
)
SENT: Final = Deed(
    "sent",
    "resolve",
    Status.SENT,
    _("Mark it as sent"),
    _("Mark as sent"),
    (_("Mark %(num)s greeting as sent?"), _("Mark %(num)s greetings as sent?")),
    (_("Mark %(num)s greeting as sent"), _("Mark %(num)s greetings as sent")),
    (_("%(num)s greeting is marked as sent."), _("%(num)s greetings are marked as sent.")),
    _("The provider's own records show that it took the letter. Nothing is sent. That is final."),
)
GIVE_UP: Final = Deed(
    "failed",
    "resolve",
    Status.FAILED,
    _("Give it up"),
    _("Give up"),
    (_("Give up %(num)s greeting?"), _("Give up %(num)s greetings?")),
    (_("Give up %(num)s greeting"), _("Give up %(num)s greetings")),
    (_("%(num)s greeting is given up."), _("%(num)s greetings are given up.")),
    _(
        "It counts as failed, and nothing is sent any more. Should the letter have arrived after "
        "all, the books will say otherwise."
    ),
    is_grave=True,
)
DEEDS: Final[Mapping[str, Deed]] = {deed.name: deed for deed in (CANCEL, RETRY, SENT, GIVE_UP)}
"""What a person may do, in the order in which it is offered."""

_ONE: Final[Mapping[Status, str]] = {
    Status.FAILED: _(
        "Its attempts were surely not taken. It leaves once more at once, with the same key, to "
        "the address that its person has now: correct that first if it was refused."
    ),
    Status.UNKNOWN: _(
        "The same letter leaves at once, with the same key. If the provider took it before and "
        "does not know keys, this is a second letter: look into its records first."
    ),
}


@dataclass(frozen=True, slots=True)
class Offer:
    """Offer a deed for one greeting. obstacle: why it is not to be had now; None: it is."""

    deed: Deed
    consequence: str
    obstacle: str | None = None


def offers_for(row: GreetingRow, is_too_late: Callable[[GreetingRow], bool]) -> Sequence[Offer]:
    """Return what a person may make of a greeting as it stands."""
    allowed = decisions_for(row)
    offers = []
    for deed in DEEDS.values():
        if deed.target not in allowed:
            continue
        is_retry = deed.target is Status.RETRYING
        consequence = _ONE[row.status] if is_retry else deed.consequence
        late = _("Its late window has passed, so it would only be skipped.")
        offers.append(Offer(deed, consequence, late if is_retry and is_too_late(row) else None))
    return offers


def deeds_for(status: Status | None) -> Sequence[Deed]:
    """Return what may be done to some of a list of one status, or of all."""
    sources = {
        Status.CANCELLED: {Status.SCHEDULED, Status.QUEUED, Status.RETRYING},
        Status.RETRYING: {Status.UNKNOWN, Status.FAILED},
    }
    return [
        deed
        for deed in DEEDS.values()
        if status is None or status in sources.get(deed.target, {Status.UNKNOWN})
    ]


def is_late(row: GreetingRow, now: datetime) -> bool:
    """Tell whether a greeting left, or still stands there, more than a minute late."""
    if row.status in {Status.FAILED, Status.CANCELLED, Status.SKIPPED, Status.UNKNOWN}:
        return False
    left = row.actual_send_at if row.status is Status.SENT else now
    return left is not None and left - row.scheduled_send_at > _MINUTE
