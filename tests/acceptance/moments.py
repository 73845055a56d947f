"""Choose when the greetings of a test leave, on the real clock, and who gets them."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import aiohttp

from tests.keys import bearer


@dataclass(frozen=True)
class Moment:
    """When the greetings of a test leave: an instant, as a zone's clock shows it about noon."""

    at: datetime
    zone: str
    local: datetime

    @property
    def today(self) -> date:
        return self.local.date()


def moment_in(seconds: float) -> Moment:
    now = datetime.now(UTC)  # noqa: TID251 - processes are to meet it on the real clock
    at = now.replace(microsecond=0) + timedelta(seconds=round(seconds))
    ahead = 12 - at.hour
    return Moment(at, f"Etc/GMT{-ahead:+d}", at + timedelta(hours=ahead))


def seconds_until(moment: Moment) -> float:
    now = datetime.now(UTC)  # noqa: TID251 - the real clock
    return (moment.at - now).total_seconds()


def write_people(path: Path, moment: Moment, count: int) -> dict[str, str]:
    """Write people whose birthday is that day; return the text that each address is to get."""
    texts = {}
    rows = ["first_name,last_name,email,timezone,birthday_date"]
    for number in range(count):
        email = f"person.{number}@example.com"
        rows.append(f"Person,{number},{email},{moment.zone},{moment.today.replace(year=1988)}")
        texts[email] = f"Hey, Person {number} it's your birthday"
    path.write_text("\n".join(rows), "utf-8")
    return texts


async def post_person(address: str, key: str, moment: Moment) -> dict[str, str]:
    """Create one more person through the API; return their text by address."""
    person = {
        "first_name": "Zoë",
        "last_name": "O'Hara",
        "email": "zoe@example.com",
        "timezone": moment.zone,
        "birthday_date": f"{moment.today.replace(year=1988)}",
    }
    async with (
        aiohttp.ClientSession(headers=bearer(key)) as session,
        session.post(f"{address}/api/v1/users", json=person) as response,
    ):
        assert response.status == 201
    return {"zoe@example.com": "Hey, Zoë O'Hara it's your birthday"}
