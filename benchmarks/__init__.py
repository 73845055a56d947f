"""Measure what Heyday claims. What they find is written to docs/performance.md."""
