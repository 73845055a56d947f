"""Every promise, after every step of whatever may happen, and when all has come to rest.

A few runs, for whoever changes something; `make model` makes more.
"""

from tests.model.machine import Machine, runs

TestModel = Machine.TestCase
TestModel.settings = runs(examples=100, steps=100)
