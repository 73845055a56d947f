"""Read a JSON object as a plain mapping, strictly, and document another shape for it."""

import json
import re
from collections.abc import Mapping
from typing import Any, NoReturn, TypeVar

from litestar.dto import AbstractDTO
from litestar.typing import FieldDefinition

from heyday.api.problems import MalformedBody, UnsupportedMediaType

T = TypeVar("T")

# A form or text/plain would come from any web page without the browser asking us first.
_JSON = re.compile(r"application/(?:[\w.-]+\+)?json", re.ASCII | re.IGNORECASE)


def is_json(content_type: str) -> bool:
    """Tell whether a Content-Type header, parameters left aside, stands for JSON."""
    return _JSON.fullmatch(content_type.partition(";")[0].strip()) is not None


def read_object(body: bytes) -> Mapping[str, object]:
    """Return the JSON object that a body holds.

    Raises MalformedBody for anything else, and for what parsers disagree on: duplicate keys,
    NaN, encodings other than UTF-8.
    """
    try:
        value = json.loads(
            body.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_refuse_constant
        )
    except UnicodeDecodeError as error:
        raise MalformedBody(f"the body is not UTF-8 at byte {error.start}") from None
    except json.JSONDecodeError as error:
        raise MalformedBody(
            f"the body is not JSON at line {error.lineno}, column {error.colno}"
        ) from None
    except RecursionError:
        raise MalformedBody("the body is nested too deeply") from None
    except ValueError:
        # Only numbers are left: Python refuses to read those of thousands of digits.
        raise MalformedBody("the body holds a number with too many digits") from None
    if not isinstance(value, dict):
        raise MalformedBody("the body must be a JSON object, in braces")
    return value


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        raise MalformedBody("the body names a field twice in one object")
    return fields


def _refuse_constant(_name: str) -> NoReturn:
    raise MalformedBody("the body holds NaN or Infinity, which JSON does not know")


class ObjectBody(AbstractDTO[T]):
    """Hand `data` over as a plain mapping; document it as the type in brackets.

    The domain, which checks the values, then names every wrong field at once; a typed decoder
    would stop at the first.
    """

    @classmethod
    def create_for_field_definition(cls, *args: Any, **kwargs: Any) -> None:
        """Prepare nothing: no model is built."""

    def decode_bytes(self, value: bytes) -> Mapping[str, object]:
        """Return the object in the body. Raises UnsupportedMediaType, MalformedBody."""
        if not is_json(self.asgi_connection.headers.get("content-type", "")):
            raise UnsupportedMediaType
        return read_object(value)

    @classmethod
    def create_openapi_schema(
        cls, field_definition: FieldDefinition, handler_id: str, schema_creator: Any
    ) -> Any:
        """Return the schema of the documented type."""
        del field_definition, handler_id
        return schema_creator.for_field_definition(FieldDefinition.from_annotation(cls.model_type))
