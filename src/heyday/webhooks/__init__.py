"""Know how each provider signs what it tells of letters, and what it means (event_ports)."""
