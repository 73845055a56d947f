"""Find the people whom a reply shows, by the names of its fields."""

from collections.abc import Iterator, Mapping
from uuid import UUID

# Fields that hold what is shown; of a list of results, each is what became of a person.
_PARTS, _RESULTS = ("items", "person", "people"), "results"
_DEEPEST = 6


def people_in(content: object, depth: int = 0, *, is_person: bool = False) -> Iterator[UUID]:
    """Yield the ids of the people in a reply, as its handler returned it.

    A person is what has a first name, or what is named by `user_id`.
    is_person: whether what is looked at is one whatever it looks like.
    """
    if depth > _DEEPEST or content is None or isinstance(content, str | bytes):
        return
    if isinstance(content, list | tuple):
        for each in content:
            yield from people_in(each, depth + 1, is_person=is_person)
        return
    yield from _ids(_field(content, "user_id"))
    if is_person or _field(content, "first_name") is not None:
        yield from _ids(_field(content, "id"))
    for name in _PARTS:
        yield from people_in(_field(content, name), depth + 1)
    yield from people_in(_field(content, _RESULTS), depth + 1, is_person=True)


def _field(content: object, name: str) -> object:
    if isinstance(content, Mapping):
        return content.get(name)
    value = getattr(content, name, None)
    return None if callable(value) else value


def _ids(value: object) -> Iterator[UUID]:
    if isinstance(value, UUID):
        yield value
