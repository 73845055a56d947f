"""A cap of the day and a limit of a domain, set as a company would, on the whole of Heyday."""

import asyncio
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

from tests.acceptance.moments import moment_in, write_people
from tests.acceptance.processes import get, heyday, run
from tests.provider import Provider

PEOPLE, CAP, RATE = 12, 6, 2


async def test_a_day_has_its_cap_and_a_domain_its_rate(database_url: str, tmp_path: Path) -> None:
    moment = moment_in(-60)
    async with Provider() as provider:
        settings = {
            "DATABASE_URL": database_url,
            "EMAIL_SERVICE_URL": provider.url,
            "SEND_TIME": f"{moment.local:%H:%M:%S}",
            "HEYDAY_DAILY_CAP": str(CAP),
            "HEYDAY_WARM_UP": "2020-01-01: 1, +1 a day",
            "HEYDAY_DOMAIN_LIMITS": f"Example.com={RATE}/s, example.org=1/s",
            "PORT": "0",
        }
        write_people(tmp_path / "people.csv", moment, PEOPLE)
        async with heyday("up", cwd=tmp_path, **settings) as running:
            url = (await running.said(r"(http://\S+)/health"))[1]
            key = await running.first_key()
            assert run("users", "import", "people.csv", cwd=tmp_path, **settings).status == 0
            async with asyncio.timeout(30):
                await provider.wait_for(CAP)
            queue = await get(f"{url}/api/v1/queue", key)
            metrics = await get(f"{url}/metrics", key)
        left = sorted(request.seconds for request in provider.requests)
        opens_at = midnight_after(provider.requests[-1].received_at)
    assert len(left) == CAP
    assert all(
        number <= RATE * (last - left[0] + 1.25) + 1 for number, last in enumerate(left, start=1)
    )
    assert [(d["provider"], d["cap"], d["used"]) for d in queue["days"]] == [("http", CAP, CAP)]
    assert datetime.fromisoformat(queue["days"][0]["opens_at"]) == opens_at
    assert 'heyday_day_left{provider="http"} 0.0' in metrics
    assert 'heyday_domain_put_off_total{domain="example.com"}' in metrics
    assert "person." not in running.text + metrics


def midnight_after(at: datetime) -> datetime:
    """Return when the next day of UTC begins."""
    return datetime.combine(at.astimezone(UTC).date() + timedelta(days=1), time(), UTC)
