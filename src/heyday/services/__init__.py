"""Hold the use cases. They know the outside world through heyday.domain.ports alone."""
