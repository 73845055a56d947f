"""Name the domains of recipients that get no more than so many greetings a second."""

from collections.abc import Sequence
from dataclasses import dataclass

from heyday.domain.addresses import to_mail_address


@dataclass(frozen=True, slots=True)
class DomainLimit:
    """Hold one limit. domains: that share it, as DNS knows them.   rate: greetings a second."""

    domains: Sequence[str]
    rate: float

    @property
    def name(self) -> str:
        """Return what the limit is called: the first of its domains."""
        return self.domains[0]


def domain_of(address: str) -> str | None:
    """Return the domain of an address as DNS knows it, or None of what is no address."""
    found = to_mail_address(address)
    return found.domain if found else None
