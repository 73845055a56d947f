"""Every promise, after every step of whatever may happen, and when all has come to rest."""

from tests.model.machine import Machine, runs

TestModel = Machine.TestCase
TestModel.settings = runs(examples=500, steps=100)
