"""The model says what PostgreSQL says: the same machine on both, statement by statement."""

from datetime import timedelta

from hypothesis.stateful import run_state_machine_as_test

from tests.model.machine import Machine, runs
from tests.model.tables import ModelDatabase
from tests.model.twins import Postgres, TwinDatabase


def test_the_model_and_postgres_agree(database_url: str) -> None:
    with Postgres(database_url) as postgres:

        class OnBoth(Machine):
            def make_database(self, skew: timedelta) -> ModelDatabase:
                return TwinDatabase(self.world.clock, skew, postgres)

        run_state_machine_as_test(OnBoth, settings=runs(examples=15, steps=40))
