"""Hold the registry that all metrics of a process are on."""

from prometheus_client import CollectorRegistry


class Registered:
    """Begin a registry. Each group of metrics declares its own on it, and calls the next one."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
