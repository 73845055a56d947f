"""Read SENDER: one sender, or several with their shares."""

from heyday.domain.sender_plan import SenderPlan, parse_plan
from heyday.settings.choices import SenderName

_KNOWN = ", ".join(SenderName)


def plan_of(value: object) -> object:
    """Return the plan that a text writes; None for none. Refuse senders that there are not."""
    if not isinstance(value, str):
        return value
    if not value:
        return None
    plan = parse_plan(value)
    if not set(plan.senders) <= set(SenderName):
        raise ValueError(f"expected senders of {_KNOWN}; or several, such as ses:3,smtp>sendgrid")
    if SenderName.INBOX in plan.senders and len(plan.senders) > 1:
        raise ValueError("expected inbox alone: its letters reach nobody")
    return plan


def alone(name: SenderName) -> SenderPlan:
    """Return the plan of one sender that takes all."""
    return parse_plan(name)
