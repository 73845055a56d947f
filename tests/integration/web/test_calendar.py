"""The calendar: a year ahead, a day with its people, and why somebody is among them or not."""

import re
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from tests.factories import Pipeline


async def test_look(client: httpx.AsyncClient, pipeline: Pipeline) -> None:
    for n in range(70):
        await pipeline.create(first_name="Hanako", last_name=f"Sato {n}", timezone="Asia/Tokyo", birthday_date="1990-01-15")
    await pipeline.create(timezone="America/Lima", birthday_date="1988-02-29", anniversary_date="2020-03-04")
    await pipeline.create(timezone="UTC", birthday_date="1988-02-28", anniversary_date="2020-01-01")
    for path in ("/calendar", "/calendar/2027-01-15", "/calendar/2027-01-15?zone=Asia/Tokyo", "/calendar/2027-02-28","/calendar/2027-01-01"):
        page = await client.get(path)
        print(path, page.status_code, len(page.text))
        if page.status_code != 200: print(page.text[:3000])
        open("/var/tmp/lead/calendar/"+path.replace("/","_").replace("?","_")+".html","w").write(page.text)
    page = await client.post("/calendar/2027-01-15/why", data={"query": "hanako sato 1"})
    print(page.status_code, page.text)
    assert 0
