"""Heyday greets every person on their day, at nine in the morning where they are."""
