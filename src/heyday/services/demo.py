"""Bring a few people whose day is today, so that a newcomer sees greetings arrive."""

from datetime import date, datetime, timedelta

from heyday.domain.errors import EmailTaken
from heyday.domain.ports import Clock
from heyday.domain.timezone import TimezoneService, Window
from heyday.services.users import UserService

_PEOPLE = (("Ada", "Lovelace"), ("Alan", "Turing"), ("Grace", "Hopper"), ("Katherine", "Johnson"))
# Known to many, and spread so that in some of them nine o'clock is always past, or near.
_ZONES = (
    "Pacific/Auckland", "Australia/Sydney", "Asia/Tokyo", "Asia/Shanghai", "Asia/Bangkok",
    "Asia/Kolkata", "Asia/Kathmandu", "Asia/Karachi", "Asia/Dubai", "Africa/Nairobi",
    "Europe/Istanbul", "Africa/Cairo", "Europe/Berlin", "Europe/London", "Atlantic/Azores",
    "Atlantic/South_Georgia", "America/Sao_Paulo", "America/Halifax", "America/New_York",
    "America/Chicago", "America/Denver", "America/Los_Angeles", "America/Anchorage",
    "Pacific/Honolulu", "Pacific/Marquesas", "Pacific/Pago_Pago", "Etc/GMT+12",
    "Asia/Yangon", "Asia/Tehran", "Asia/Kabul", "Asia/Colombo", "Australia/Darwin",
    "Australia/Adelaide", "Australia/Eucla", "Australia/Lord_Howe", "Pacific/Chatham",
    "Pacific/Guadalcanal", "Pacific/Kiritimati", "Asia/Dhaka", "America/St_Johns",
)  # fmt: skip
_LEAP_YEARS = (1988, 1992, 1996, 1984)


class DemoService:
    """Add demonstration people: some greeted at once, some at the next nine o'clock."""

    def __init__(self, users: UserService, timezones: TimezoneService, clock: Clock) -> None:
        self._users = users
        self._timezones = timezones
        self._clock = clock

    async def add_people(self) -> int:
        """Add those of today who are not there yet; return how many."""
        now = self._clock.now()
        added = 0
        for number, (zone, on) in enumerate([*self._passed(now)[:2], *self._coming(now)[:2]]):
            added += await self._add(number, zone, on)
        return added

    def _passed(self, now: datetime) -> list[tuple[str, date]]:
        """Return zones where the send time of today has passed, the latest first."""
        days = self._timezones.zone_days(_ZONES, Window(now - timedelta(hours=20), now), now)
        passed = (d for d in days if d.is_today and d.send_at + d.spread <= now)
        today = sorted(passed, key=lambda d: d.send_at, reverse=True)
        return [(d.timezone, d.delivery_on) for d in today]

    def _coming(self, now: datetime) -> list[tuple[str, date]]:
        """Return zones where the send time comes next, the nearest first."""
        days = self._timezones.zone_days(_ZONES, Window(now, now + timedelta(hours=24)), now)
        return [(d.timezone, d.delivery_on) for d in sorted(days, key=lambda d: d.send_at)]

    async def _add(self, number: int, zone: str, on: date) -> int:
        first_name, last_name = _PEOPLE[number]
        mailbox = f"{first_name}.{on:%Y%m%d}.{zone.replace('/', '.')}".lower()
        try:
            await self._users.create(
                {
                    "first_name": first_name,
                    "last_name": last_name,
                    "email": f"{mailbox}@demo.example",
                    "timezone": zone,
                    "birthday_date": on.replace(year=_LEAP_YEARS[number]).isoformat(),
                }
            )
        except EmailTaken:
            return 0
        return 1
