"""Checks query parameters: a route accepts only those that it names."""

from collections import Counter
from collections.abc import Callable, Collection, Coroutine, Iterator, Sequence, Set
from difflib import get_close_matches
from http import HTTPStatus
from typing import Any, Final, get_args, get_origin

from fastapi import Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from starlette.datastructures import QueryParams
from starlette.responses import Response

from serve.problems import respond

UNKNOWN: Final = "unknown_parameter"
REPEATED: Final = "repeated_parameter"
_MOST_CHARS = 100
"""Most characters of a client's parameter name that an answer repeats."""
_MOST_NAMES = 10
"""Most wrong parameters that an answer names; a client may send thousands."""
_MANY = frozenset({list, tuple, set, frozenset, Sequence, Set, Collection})


class StrictRoute(APIRoute):
    """A route that refuses unknown query parameters.

    An ignored filter is dangerous: a client that deletes the documents of a filtered list would
    delete all. The check runs before authentication and before the body is read; names are public.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Make a handler that checks the parameters first."""
        answer, takes = super().get_route_handler(), dict(_named(self.dependant))

        async def checked(request: Request) -> Response:
            if not request.scope["query_string"]:
                return await answer(request)
            return _refusal(request, takes) or await answer(request)

        return checked


def unknown(given: QueryParams, takes: Collection[str]) -> dict[str, str]:
    """Describe each parameter that a route does not know.

    Args:
        given: The parameters of a request.
        takes: The names that the route knows.
    """
    names = [name for name in dict.fromkeys(given) if name not in takes]
    return {name: _unknown(name, takes) for name in names[:_MOST_NAMES]}


def repeated(given: QueryParams, takes: dict[str, bool]) -> dict[str, str]:
    """Describe each parameter that is given more often than its route allows.

    Args:
        given: The parameters of a request.
        takes: The names that the route knows, and whether each may be given several times.
    """
    counts = Counter(name for name, _ in given.multi_items())
    return {
        name: f"the query parameter {name!r} is given {count} times; it takes one value"
        for name, count in counts.items()
        if count > 1 and not takes.get(name, True)
    }


def _refusal(request: Request, takes: dict[str, bool]) -> Response | None:
    """The answer to invalid parameters; None when all are valid."""
    if wrong := unknown(request.query_params, takes):
        detail = f"{' '.join(wrong.values())} It takes{': ' * bool(takes)}"
        detail += ", ".join(sorted(takes)) or " none"
        return _respond(request, UNKNOWN, detail, wrong)
    if wrong := repeated(request.query_params, takes):
        return _respond(request, REPEATED, "; ".join(wrong.values()), wrong)
    return None


def _respond(request: Request, code: str, detail: str, wrong: dict[str, str]) -> Response:
    errors = [
        {"field": f"query.{_cut(name)}", "message": message} for name, message in wrong.items()
    ]
    return respond(
        request,
        HTTPStatus.UNPROCESSABLE_ENTITY,
        code=code,
        detail=detail,
        extensions={"errors": errors},
    )


def _unknown(name: str, takes: Collection[str]) -> str:
    said = f"{_cut(name)!r} is no query parameter of this route"
    nearest = get_close_matches(_cut(name).lower(), takes, n=1)
    return f"{said}; did you mean {nearest[0]!r}?" if nearest else f"{said}."


def _cut(name: str) -> str:
    return name if len(name) <= _MOST_CHARS else f"{name[: _MOST_CHARS - 1]}…"


def _named(dependant: Dependant) -> Iterator[tuple[str, bool]]:
    """Each query parameter of a route and its dependencies; True if several are allowed."""
    for field in dependant.query_params:
        yield field.alias, _takes_many(field.field_info.annotation)
    for inner in dependant.dependencies:
        yield from _named(inner)


def _takes_many(annotation: Any) -> bool:
    """Whether the type is, or may be, a list, a set or a tuple."""
    parts = (annotation, *get_args(annotation))
    return any(part in _MANY or get_origin(part) in _MANY for part in parts)
