"""Name what a text may ask for: places, filters, functions. Nothing else is known to it."""

NAMES = frozenset({"first_name", "last_name", "full_name"})
"""Places for names, which PostgreSQL fills in where nothing is asked about them."""

NUMBERS = frozenset({"years", "age"})
"""Places for the number of years, which is not known for everybody."""

DATE = "date"
COMPANY = "company"
UNSUBSCRIBE_LINK = "unsubscribe_link"

FILTERS = ("upper", "lower", "capitalize", "initial", "trim")
FUNCTIONS = ("plural", "ordinal")

_PLACES = ("first_name", "last_name", "full_name", DATE, COMPANY, UNSUBSCRIBE_LINK, "years")
_OF_BIRTHDAYS = "BIRTHDAY"


def places_of(message_type: str) -> tuple[str, ...]:
    """Return the places that a text of this message type may name, in the order they are told."""
    return (*_PLACES, "age") if message_type == _OF_BIRTHDAYS else _PLACES


def known_to(message_type: str) -> str:
    """Return all that such a text may name, as messages tell it."""
    parts = {
        "places": places_of(message_type),
        "filters": FILTERS,
        "functions": FUNCTIONS,
    }
    return "; ".join(f"{kind}: {', '.join(names)}" for kind, names in parts.items())
