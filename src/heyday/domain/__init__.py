"""Hold the rules of Heyday: pure values and functions, no clock, no network, no database."""
