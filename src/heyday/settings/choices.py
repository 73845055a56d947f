"""Name what may be chosen where a setting is a choice of Heyday's own."""

from enum import StrEnum


class SenderName(StrEnum):
    """Name what greetings can be sent through."""

    INBOX = "inbox"
    HTTP = "http"
    SMTP = "smtp"


class StartTls(StrEnum):
    """Name when a session with a mail server is to be encrypted by STARTTLS.

    AUTO: always, but not to this very machine.
    """

    AUTO = "auto"
    REQUIRED = "required"
    NONE = "none"


class Pooler(StrEnum):
    """Name what stands before PostgreSQL: nothing, or what lends servers for a transaction."""

    NONE = "none"
    TRANSACTION = "transaction"
