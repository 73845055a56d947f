"""Say what a caller of the API may do."""

from enum import StrEnum


class Scope(StrEnum):
    """Name what an API key allows. ADMIN allows all of it, and what no other scope does."""

    USERS_READ = "users:read"
    USERS_WRITE = "users:write"
    MESSAGES_READ = "messages:read"
    MESSAGES_WRITE = "messages:write"
    ADMIN = "admin"
