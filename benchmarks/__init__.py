"""Measure what Heyday claims. Each module prints a table and writes it to docs/performance.md."""
