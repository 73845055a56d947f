"""Bring the people in who live through a simulation."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Protocol
from uuid import UUID

from heyday.bootstrap import App
from heyday.db import queries
from heyday.db.seeding.copying import copy_population
from heyday.db.seeding.population import Population

_SQL, _SEEDING = queries.load("simulation"), queries.load("seeding")
_COLUMNS = (
    "id", "first_name", "last_name", "email", "timezone", "birthday_date", "created_at",
    "updated_at", "eligible_since",
)  # fmt: skip
# A leap year, in which whoever is old enough to work was born.
_FIRST_BIRTHDAY, _BIRTHDAYS = date(1988, 1, 1), 366
_SEED = 1


class People(Protocol):
    """Bring people into an empty database. Those who travel to other processes are values."""

    async def settle(self, app: App, at: datetime) -> None:
        """Store everybody, as there since `at`."""
        ...


@dataclass(frozen=True, slots=True)
class EveryBirthday:
    """Bring one person for each zone and each birthday of the year, 29 February included."""

    zones: Sequence[str]

    async def settle(self, app: App, at: datetime) -> None:
        """Store everybody, as there since `at`."""
        async with app.database.connection() as connection, connection.transaction():
            # Making the indexes of a full table takes a third of keeping them.
            indexes = await connection.fetch(_SEEDING["list_indexes"].text)
            for index in indexes:
                await connection.execute(index["drop"])
            await connection.copy_records_to_table(
                "users", records=self._records(at), columns=_COLUMNS
            )
            for index in indexes:
                await connection.execute(index["make"])
            await connection.execute(_SQL["analyze"].text)

    def _records(self, at: datetime) -> Iterator[tuple[object, ...]]:
        # By birthday: who is planned together then lies together.
        for day in range(_BIRTHDAYS):
            birthday = _FIRST_BIRTHDAY + timedelta(days=day)
            name = f"{birthday:%B}"
            for place, zone in enumerate(self.zones):
                number = day << 16 | place
                address = f"person{number}@example.com"
                yield UUID(int=number), name, zone, address, zone, birthday, at, at, at


@dataclass(frozen=True, slots=True)
class SeededPopulation:
    """Bring as many people as wanted, spread as the real ones are; of them those of some zones."""

    count: int
    zones: Sequence[str]

    async def settle(self, app: App, at: datetime) -> None:
        """Store everybody, as there since `at`."""
        async with app.database.connection() as connection:
            population = Population(_SEED, at)
            await copy_population(connection, population, self.count, lambda *_: None)
            await connection.execute(_SQL["keep_zones"].text, list(self.zones))
            await connection.execute(_SQL["analyze"].text)
