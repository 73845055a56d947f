"""Settings of every unit test."""

from hypothesis import settings

# A busy machine must not fail a test that asserts nothing about speed.
settings.register_profile("heyday", deadline=None)
settings.load_profile("heyday")
