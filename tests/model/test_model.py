"""Every promise, after every step of whatever may happen, and at the end."""

from hypothesis import HealthCheck, settings

from tests.model.machine import Machine

TestModel = Machine.TestCase
TestModel.settings = settings(
    max_examples=500,
    stateful_step_count=100,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
