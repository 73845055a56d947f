"""Show the description of the API (OpenAPI), as the program serves it: as a page, and as a file."""

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from heyday.bootstrap import App
from heyday.cli.http_server import HttpServer
from heyday.db.connection import Database, PoolConfig
from heyday.db.inbox import InboxRepository
from heyday.settings import Settings

if TYPE_CHECKING:
    from litestar import Litestar

# A part of the description; what is in it, the standard says.
Part: TypeAlias = dict[str, Any]

_HEAD = """# API

{description}

[A guide with a client](../api.md) shows how to begin. This page is made of the description that
Heyday serves at `/openapi.json`; [the file](openapi.json) is what generators take.
"""
_PARAMETERS = "| parameter | in | is | meaning |\n|---|---|---|---|"
_FIELDS = "| field | is | meaning |\n|---|---|---|"
_LIMITS = {"minimum": "from {:g}", "maximum": "to {:g}", "maxLength": "up to {} characters"}
_PROBLEM = "application/problem+json"


def describe() -> Part:
    """Return the description of the API. Nothing is connected to: no part is asked for any work."""
    database = Database(PoolConfig(url=""))
    app = App(Settings(), "", database, InboxRepository(database), {})
    served = cast("Litestar", HttpServer.of(app).config.app)
    return served.openapi_schema.to_schema()


def write_file(description: Part) -> str:
    """Return the file of the description."""
    return json.dumps(description, indent=1, ensure_ascii=False)


def write_page(description: Part) -> str:
    """Return the page of all operations, and of what requests and replies hold."""
    return "\n".join(
        [
            _HEAD.format(description=description["info"]["description"]),
            *(text for tag in _tags(description) for text in _operations(tag, description)),
            "## What requests and replies hold\n",
            *(_schema(*each) for each in sorted(description["components"]["schemas"].items())),
        ]
    )


def _tags(description: Part) -> list[Part]:
    """Return every group of operations, also one of which nothing is said."""
    used = (op["tags"][0] for item in description["paths"].values() for op in item.values())
    silent = {name: {"name": name, "description": ""} for name in used}
    return list((silent | {tag["name"]: tag for tag in description["tags"]}).values())


def _operations(tag: Part, description: Part) -> Iterator[str]:
    yield f"## {tag['name']}\n\n{tag['description']}\n"
    for path, item in description["paths"].items():
        for method, operation in item.items():
            if tag["name"] == operation["tags"][0]:
                yield _operation(f"{method.upper()} {path}", operation)


def _operation(call: str, operation: Part) -> str:
    scopes = [scope for way in operation.get("security", ()) for scope in way.get("api_key", ())]
    lines = [f"### {operation['summary']}", "", f"`{call}`"]
    lines[-1] += f", with the scope `{scopes[0]}`." if scopes else ", without a key."
    lines += ["", operation.get("description", ""), ""]
    if parameters := operation.get("parameters"):
        lines += [_PARAMETERS, *map(_parameter, parameters), ""]
    if body := operation.get("requestBody"):
        lines += [f"Body: {_contents(body)}. {body.get('description', '')}", ""]
    return "\n".join([*lines, *_replies(operation["responses"]), ""])


def _parameter(parameter: Part) -> str:
    name = f"`{parameter['name']}`" + (", required" if parameter["required"] else "")
    meaning = parameter.get("description", "")
    return _row(name, parameter["in"], _kind(parameter["schema"]), meaning)


def _replies(responses: Part) -> Iterator[str]:
    """Yield a line for each good reply, and one for all refusals, which hold the same."""
    refusals = []
    for status, reply in sorted(responses.items()):
        if _PROBLEM in reply.get("content", {}):
            refusals.append(f"{status} ({reply['description']})")
        else:
            yield f"* {status}: {_contents(reply) or reply['description']}"
    if refusals:
        yield f"* [Problem](#problem): {', '.join(refusals)}"


def _contents(part: Part) -> str:
    """Return what a body holds, with its media type where it is not plain JSON."""
    return " or ".join(
        _kind(content["schema"]) + ("" if media == "application/json" else f" (`{media}`)")
        for media, content in part.get("content", {}).items()
    )


def _schema(name: str, schema: Part) -> str:
    required = set(schema.get("required", ()))
    lines = [f"### {name}", "", schema.get("description", ""), ""]
    if fields := schema.get("properties"):
        lines += [_FIELDS, *(_field(*each, required=required) for each in fields.items()), ""]
    else:
        lines += [f"{_kind(schema)}.", ""]
    return "\n".join(lines)


def _field(name: str, schema: Part, *, required: set[str]) -> str:
    meaning = schema.get("description", "")
    if examples := schema.get("examples"):
        meaning += f" Such as `{json.dumps(examples[0], ensure_ascii=False)}`."
    named = f"`{name}`" + (", required" if name in required else "")
    return _row(named, _kind(schema), meaning.strip())


def _kind(schema: Part) -> str:
    """Return in words what a value is."""
    match schema:
        case {"$ref": place}:
            name = place.rpartition("/")[2]
            return f"[{name}](#{name.lower()})"
        case {"oneOf": ways} | {"anyOf": ways} | {"allOf": ways}:
            kind = " or ".join(map(_kind, ways))
        case {"enum": values}:
            kind = ", ".join(f"`{value}`" for value in values)
        case {"type": "array", "items": items}:
            kind = f"list of {_kind(items)}"
        case {"additionalProperties": dict(each)}:
            kind = f"names with {_kind(each)}"
        case _:
            kind = str(schema.get("type", "anything"))
    # What OpenAPI says beside alternatives is meant for all of them.
    kind = kind.replace("string", schema["format"]) if "format" in schema else kind
    limits = [text.format(schema[name]) for name, text in _LIMITS.items() if name in schema]
    if "default" in schema:
        limits.append(f"else `{json.dumps(schema['default'])}`")
    return ", ".join([kind, *limits])


def _row(*cells: str) -> str:
    return f"| {' | '.join(' '.join(cell.split()).replace('|', chr(92) + '|') for cell in cells)} |"
