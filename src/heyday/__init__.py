"""Heyday greets every person on their day, at nine in the morning where they are."""

__version__ = "0.1.0"
