"""Try whether letters leave: `heyday send-test`."""

from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from heyday.cli.running import with_app
from heyday.domain.delivery import Outcome, OutcomeKind, Trouble
from heyday.settings.choices import SenderName

if TYPE_CHECKING:
    from heyday.bootstrap import App

_SAID = {
    OutcomeKind.ACCEPTED: "Accepted",
    OutcomeKind.REFUSED: "Refused: this letter would never be taken",
    OutcomeKind.NOT_ACCEPTED: "Not accepted: a greeting would be tried again",
    OutcomeKind.AMBIGUOUS: "Unclear: nobody can say whether it was taken",
    OutcomeKind.NOT_TRIED: "Not tried",
    OutcomeKind.FORGOTTEN: "Not tried",
}
_PLACES = {
    SenderName.SMTP: "HEYDAY_SMTP_URL, HEYDAY_SMTP_STARTTLS and HEYDAY_MAIL_FROM",
    SenderName.HTTP: "EMAIL_SERVICE_URL",
}
_ADVICE = {
    Trouble.ACCOUNT: "It would say so to every letter of ours. Look at {}.",
    Trouble.PROVIDER: "It is away, or not well. Look at {}.",
    Trouble.PACE: "Letters come too often for it. HEYDAY_RATE_LIMIT sets a pace.",
}


def send_test(
    address: Annotated[str, typer.Argument(metavar="ADDRESS", help="Where the letter goes.")],
) -> None:
    """Send one letter through each sender in force, and say what came of it.

    HEYDAY_SAFE_ADDRESS and HEYDAY_ALLOWED_DOMAINS hold for it as for greetings. Exit status 1
    unless each was accepted.
    """

    async def work(heyday: "App") -> dict[str, Outcome]:
        return await heyday.trial.send(address)

    outcomes = with_app(work)
    console = Console(highlight=False, markup=False, emoji=False, soft_wrap=True)
    for name, outcome in outcomes.items():
        for line in lines_of(SenderName(name), outcome):
            console.print(line)
    if any(outcome.kind is not OutcomeKind.ACCEPTED for outcome in outcomes.values()):
        raise typer.Exit(1)


def lines_of(name: SenderName, outcome: Outcome) -> list[str]:
    """Return what to say of an attempt. name: of the sender."""
    code = f" ({outcome.code})" if outcome.code else ""
    lines = [f"{_SAID[outcome.kind]} by {name}{code}."]
    if outcome.error:
        lines.append(f"Reason: {outcome.error}.")
    if outcome.body:
        lines.append(f"It said: {outcome.body}")
    if outcome.provider_message_id:
        lines.append(f"Its name for the letter: {outcome.provider_message_id}")
    if outcome.trouble:
        lines.append(_ADVICE[outcome.trouble].format(_PLACES.get(name, "its settings")))
    return lines
