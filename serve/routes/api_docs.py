"""The API's description as an HTML page; it loads nothing from other servers."""

from collections.abc import Iterable, Iterator
from html import escape
from typing import Any, TypeAlias

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse

Json: TypeAlias = dict[str, Any]
router = APIRouter()
_HEADERS = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'"}
_STYLE = """
body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}
code{background:#8882;padding:.1em .3em;border-radius:.2em}
summary{cursor:pointer;padding:.3em 0}summary code{background:none;font-size:1rem}
details{border-top:1px solid #8884;padding:.2em 0}details>div{margin:0 0 1em 1.2em}
table{border-collapse:collapse;width:100%}td{border-top:1px solid #8884;padding:.3em;
vertical-align:top}td:first-child{white-space:nowrap;width:14rem}:root{color-scheme:light dark}
"""


@router.get("/docs", include_in_schema=False)
async def docs(request: Request) -> HTMLResponse:
    """Show the page; /openapi.json has the same facts for programs."""
    return HTMLResponse("".join(_page(request.app.openapi())), headers=_HEADERS)


def _page(described: Json) -> Iterator[str]:
    title = f"{described['info']['title']} {described['info']['version']}"
    yield f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(title)}</title>'
    yield f"<style>{_STYLE}</style><h1>{escape(title)}</h1>"
    yield _prose(described["info"].get("description", ""))
    yield '<p>For programs: <a href="openapi.json">openapi.json</a></p>'
    for path, operations in described["paths"].items():
        for method, operation in operations.items():
            yield from _operation(method, path, operation)
    yield "<h2>Bodies</h2>"
    for name, schema in sorted(described["components"]["schemas"].items()):
        yield f'<details id="{escape(name)}"><summary><code>{escape(name)}</code></summary><div>'
        yield (
            _prose(schema.get("description", "")) + _table(_properties(schema)) + "</div></details>"
        )


def _operation(method: str, path: str, operation: Json) -> Iterator[str]:
    summary = escape(operation.get("summary", ""))
    yield f"<details><summary><code>{method.upper()} {escape(path)}</code> {summary}</summary><div>"
    yield _prose(operation.get("description", ""))
    parameters = [
        (f"{p['name']} ({p['in']})", _type(p.get("schema", {})), p.get("description", ""))
        for p in operation.get("parameters", [])
    ]
    if parameters:
        yield "<h4>Parameters</h4>" + _table(parameters)
    for media_type, content in operation.get("requestBody", {}).get("content", {}).items():
        yield f"<h4>Body: {escape(media_type)}</h4>"
        yield _table([("", _type(content["schema"]), content["schema"].get("description", ""))])
        yield _table(_properties(content["schema"]))
    yield "<h4>Answers</h4>"
    yield _table(
        (status, " ".join(map(_content, answer.get("content", {}).items())), answer["description"])
        for status, answer in operation["responses"].items()
    )
    yield "</div></details>"


def _properties(schema: Json) -> list[tuple[str, str, str]]:
    required = schema.get("required", [])
    return [
        (name if name in required else f"{name}?", _type(field), field.get("description", ""))
        for name, field in schema.get("properties", {}).items()
    ]


def _content(content: tuple[str, Json]) -> str:
    media_type, body = content
    return f"{escape(media_type)} {_type(body.get('schema', {}))}"


def _type(schema: Json) -> str:
    """Describe a schema in a few words of HTML."""
    if "$ref" in schema:
        name = escape(schema["$ref"].rsplit("/", 1)[-1])
        return f'<a href="#{name}">{name}</a>'
    if "anyOf" in schema:
        return " or ".join(map(_type, schema["anyOf"]))
    if "enum" in schema:
        return " | ".join(escape(str(value)) for value in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    limits = [
        f"{label} {schema[key]}"
        for key, label in (("minimum", "≥"), ("maximum", "≤"), ("maxLength", "length ≤"))
        if key in schema
    ]
    words = [schema.get("format") or schema.get("type", ""), *limits]
    return escape(" ".join(words))


def _table(rows: Iterable[tuple[str, str, str]]) -> str:
    """Make a table; each row has plain text, HTML, and plain text."""
    cells = "".join(
        f"<tr><td><code>{escape(name)}</code></td><td>{kind}</td><td>{escape(text)}</td></tr>"
        for name, kind, text in rows
    )
    return f"<table>{cells}</table>" if cells else ""


def _prose(text: str) -> str:
    """Convert text to paragraphs; text between backticks becomes code."""
    html = []
    for paragraph in filter(None, text.split("\n\n")):
        parts = escape(paragraph).split("`")
        html.append("".join(f"<code>{p}</code>" if i % 2 else p for i, p in enumerate(parts)))
    return "".join(f"<p>{paragraph}</p>" for paragraph in html)
