"""Live through days, months or years in seconds: the real parts, a clock that jumps."""
