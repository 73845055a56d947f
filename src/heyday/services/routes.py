"""Hold every sender with what stands before it, and say through which one a greeting leaves.

A greeting whose attempt was ambiguous goes again through the same sender or through none: another
one would not know it for the same. All others leave through whichever is well.
Source: docs/adr/0042.
"""

import asyncio
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from heyday.domain.delivery import DeliveryPolicy, Outcome, OutcomeKind, moving_on
from heyday.domain.gate_ports import Gate
from heyday.domain.models import ClaimedMessage
from heyday.domain.ports import BatchSender
from heyday.domain.sender_plan import Assigned, SenderPlan, Share


@dataclass(frozen=True, slots=True)
class Route:
    """Join one sender, what stands before it, and what follows its answers.

    concurrency: calls in flight at once for a batch; None: as the service says.
    """

    share: Share
    sender: BatchSender
    gate: Gate
    policy: DeliveryPolicy
    concurrency: int | None = None

    @property
    def name(self) -> str:
        """Return the sender's name."""
        return self.share.sender

    @property
    def is_away(self) -> bool:
        """Tell whether nothing can leave here now."""
        return not self.gate.room()

    def let_go(self, message: ClaimedMessage, outcome: Outcome) -> Outcome:
        """Return what an outcome means for a greeting where another sender is well.

        One whose attempt was ambiguous stays with this one, whatever that takes.
        """
        if message.ambiguous_since is not None:
            return outcome
        if outcome.kind is OutcomeKind.NOT_TRIED and self.is_away:
            return replace(outcome, retry_after=None)
        return moving_on(outcome)


class Routes:
    """Hold the senders in force: one, as most have, or several that share."""

    def __init__(self, routes: Sequence[Route]) -> None:
        self._plan = SenderPlan(tuple(route.share for route in routes))
        self._routes = {route.name: route for route in routes}
        self._any = routes[0]

    def assign(self, message_ids: Sequence[UUID]) -> Assigned:
        """Choose a sender for each greeting, as all of them are now."""
        is_alone = len(self._routes) == 1
        room = {} if is_alone else {n: route.gate.room() for n, route in self._routes.items()}
        return self._plan.assign(message_ids, room)

    def find(self, message: ClaimedMessage) -> Route | None:
        """Return where a greeting leaves that was claimed; None if it is safe nowhere.

        One whose attempt was made before senders were written down is taken for the only one's.
        """
        if message.sender is None and len(self._routes) == 1:
            return self._any
        return self._routes.get(message.sender or "")

    def sort(
        self, messages: Iterable[ClaimedMessage]
    ) -> tuple[list[tuple[Route, list[ClaimedMessage]]], list[ClaimedMessage]]:
        """Return greetings by where they leave, and those that are safe nowhere."""
        by_name: dict[str, list[ClaimedMessage]] = {}
        stranded = []
        for message in messages:
            if route := self.find(message):
                by_name.setdefault(route.name, []).append(message)
            else:
                stranded.append(message)
        return [(self._routes[name], some) for name, some in by_name.items()], stranded

    def refuse(self, message: ClaimedMessage) -> Outcome:
        """Return the outcome of a greeting that is safe nowhere."""
        if message.sender is None:
            error = "it is not known through which sender its ambiguous attempt was made"
        else:
            error = f"its ambiguous attempt was made through {message.sender}, not in SENDER now"
        return Outcome(OutcomeKind.FORGOTTEN, error=error)

    @property
    def policy_of_stranded(self) -> DeliveryPolicy:
        """Return what follows where no sender is left that might know the key."""
        return replace(self._any.policy, key_lifetime=None)

    def is_other_well(self, route: Route) -> bool:
        """Tell whether a greeting might leave through another sender at once."""
        return any(o is not route and o.gate.room() == math.inf for o in self._routes.values())

    async def wait_until_open(self) -> None:
        """Return when any sender may be called, or nobody is to wait any longer."""
        if len(self._routes) == 1:
            return await self._any.gate.wait_until_open()
        waits = [asyncio.ensure_future(r.gate.wait_until_open()) for r in self._routes.values()]
        try:
            done, _ = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            for wait in done:
                wait.result()
        finally:
            for wait in waits:
                wait.cancel()
            await asyncio.gather(*waits, return_exceptions=True)
        return None

    def make_ready(self, message_ids: Sequence[UUID]) -> None:
        """Begin what can be done for greetings that are due in a moment."""
        for name, greetings in Counter(self.assign(message_ids).senders).items():
            sender = self._routes[name].sender
            sender.make_ready(math.ceil(greetings / sender.batch_size))

    def stop(self) -> None:
        """Let nobody wait any longer."""
        for route in self._routes.values():
            route.gate.stop()
