"""Uploads: store a document and create its job."""

import re
from collections.abc import AsyncIterator, Mapping
from typing import Annotated, Any, Self
from urllib.parse import unquote
from uuid import UUID

import structlog
from fastapi import APIRouter, Header, Query, Request, Response
from pydantic import Field, TypeAdapter, ValidationError
from python_multipart.multipart import parse_options_header

from ingest.app.intake.upload import UploadRequest
from ingest.domain.arrival import Accepted
from ingest.domain.errors import DocumentTooLarge, InvalidFilename, InvalidRequest
from serve.authorization import CurrentCaller
from serve.dependencies import CurrentDependencies
from serve.multipart import OVERHEAD_BYTES, FileForm
from serve.problems import documented
from serve.query_parameters import StrictRoute
from serve.schemas import ResponseBody
from serve.upload_rate import PacedBody

log = structlog.get_logger(module=__name__)
router = APIRouter(tags=["documents"], route_class=StrictRoute)
PATH = "/v1/documents"
_EXTENDED = re.compile(r"(utf-8|iso-8859-1)'[^']*'(.*)", re.IGNORECASE | re.DOTALL)
_SWITCH = TypeAdapter(bool)
BINARY = {"type": "string", "format": "binary"}
_OWN_NAME = "Your own name of the document; new bytes under it become its next generation."
_SOURCE_PATH = "Where you have the file, e.g. its path; the next upload gets it in `replaces`."
_REPLACE = "False refuses other bytes under an existing external_id (`document_exists`)."
FORM_FIELDS: dict[str, Any] = {
    "external_id": {"type": "string", "description": _OWN_NAME},
    "source_path": {"type": "string", "description": _SOURCE_PATH},
    "replace": {"type": "boolean", "default": True, "description": _REPLACE},
}
_REQUEST_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": FORM_FIELDS | {"file": BINARY},
                    "description": "Send the fields first; the file is the last part.",
                }
            },
            "application/octet-stream": {
                "schema": BINARY
                | {
                    "description": "The bytes of the document; the filename is required as a "
                    "header or a query parameter."
                }
            },
        },
    }
}


class ReplacedBody(ResponseBody):
    """The generation of the document that was the newest before the upload."""

    filename: str
    source_path: str | None = Field(
        description="The source path of that upload; null when it gave none."
    )
    generation: int


class AcceptedBody(ResponseBody):
    """The result of an upload."""

    document_id: UUID
    job_id: UUID
    generation: int = Field(
        description="Number of the generation, from 1; it grows when an external_id gets new bytes."
    )
    created: bool = Field(description="False when the same content was accepted before.")
    replaces: ReplacedBody | None = Field(
        description="The previous generation, when other bytes had this external_id before. "
        "Search finds it until the new generation is published."
    )
    status_url: str
    events_url: str
    document_url: str

    @classmethod
    def of(cls, accepted: Accepted, **more: Any) -> Self:
        """Build the answer to an upload; ``more`` are fields that a subclass adds."""
        job, document = f"/v1/jobs/{accepted.job_id}", f"/v1/documents/{accepted.document_id}"
        return cls(
            document_id=accepted.document_id,
            job_id=accepted.job_id,
            generation=accepted.generation,
            created=accepted.created,
            replaces=ReplacedBody.model_validate(accepted.replaces) if accepted.replaces else None,
            status_url=job,
            events_url=f"{job}/events",
            document_url=document,
            **more,
        )


@router.post(
    PATH,
    status_code=202,
    response_model=AcceptedBody,
    summary="Upload a document",
    openapi_extra=_REQUEST_BODY,
    responses={
        200: {"model": AcceptedBody, "description": "The same content was accepted before"},
        **documented(401, 403, 408, 409, 413, 415, 422, 429, 503),
    },
)
async def upload(
    request: Request,
    response: Response,
    gateway: CurrentDependencies,
    caller: CurrentCaller,
    external_id: Annotated[str | None, Query(description=_OWN_NAME)] = None,
    source_path: Annotated[str | None, Query(description=_SOURCE_PATH)] = None,
    replace: Annotated[bool | None, Query(description=_REPLACE)] = None,
    filename: Annotated[str | None, Query(description="Filename of a raw body.")] = None,
    x_filename: Annotated[
        str | None, Header(description="Filename of a raw body, percent-encoded or by RFC 5987.")
    ] = None,
    idempotency_key: Annotated[
        str | None,
        Header(
            description="The same key gets the same answer; other content under the key is a "
            "conflict."
        ),
    ] = None,
) -> AcceptedBody:
    """Store a document while it arrives, and enqueue its job.

    Send a form with the part `file`, or a raw body with a filename in `X-Filename` or
    `?filename=`. The content decides the type. 202: a job was created; read it at `status_url`.
    """
    body = paced_body(request, gateway)
    form = open_form(request, body)
    _check_length(request, form, gateway.settings.max_upload_bytes)
    fields: dict[str, str] = {}
    if form is not None:
        file = await form.open()
        written_name, fields, content = file.filename, file.fields, form.content()
    else:
        written_name, content = _raw_filename(filename, x_filename), body
    named = _merge(
        {
            "external_id": external_id,
            "source_path": source_path,
            "replace": None if replace is None else str(replace),
        },
        fields,
    )
    upload_request = UploadRequest(
        tenant_id=caller.tenant_id,
        filename=written_name,
        correlation_id=request.state.correlation_id,
        external_id=named["external_id"],
        idempotency_key=idempotency_key,
        source_path=named["source_path"],
        replace=may_replace(named["replace"]),
    )
    accepted = await _accept(gateway, upload_request, content, response)
    await gateway.register.note(caller)
    return accepted


async def _accept(
    gateway: CurrentDependencies,
    upload_request: UploadRequest,
    content: AsyncIterator[bytes],
    response: Response,
) -> AcceptedBody:
    accepted = await gateway.intake.accept(upload_request, content)
    body = AcceptedBody.of(accepted)
    response.status_code = 202 if accepted.created else 200
    response.headers["Location"] = body.status_url
    log.info(
        "upload accepted",
        document_id=accepted.document_id,
        job_id=accepted.job_id,
        generation=accepted.generation,
        created=accepted.created,
    )
    return body


def paced_body(request: Request, gateway: CurrentDependencies) -> PacedBody:
    """The body of an upload, which must keep the minimum rate."""
    return PacedBody(
        request.stream(),
        grace_seconds=gateway.settings.upload_grace_seconds,
        bytes_per_second=gateway.settings.upload_bytes_per_second,
    )


def open_form(
    request: Request, body: AsyncIterator[bytes], *, max_files: int = 1
) -> FileForm | None:
    """Read the form in the body; None for a raw body.

    Raises:
        InvalidRequest: the content type has no usable boundary.
    """
    media_type, options = parse_options_header(request.headers.get("content-type"))
    if media_type != b"multipart/form-data":
        return None
    boundary = options.get(b"boundary", b"")
    if not boundary:
        raise InvalidRequest("the content type multipart/form-data has no boundary")
    return FileForm(body, boundary=boundary, allowed=frozenset(FORM_FIELDS), max_files=max_files)


def declares_over(request: Request, most: int) -> bool:
    """Whether the Content-Length is over a number of bytes."""
    declared = request.headers.get("content-length", "")
    return declared.isdecimal() and (len(declared) > len(str(most)) or int(declared) > most)


def _check_length(request: Request, form: FileForm | None, limit: int) -> None:
    """Refuse a body whose Content-Length is over the limit, without reading it."""
    if declares_over(request, limit + (OVERHEAD_BYTES if form is not None else 0)):
        raise DocumentTooLarge(f"the document has over {limit} bytes, the limit")


def _merge(query: Mapping[str, str | None], form: Mapping[str, str]) -> dict[str, str | None]:
    merged = dict(query)
    for name, value in form.items():
        if merged[name] is not None:
            raise InvalidRequest(f"{name} is given twice, in the query and in the form")
        merged[name] = value
    return merged


def may_replace(value: str | None) -> bool:
    """Read ``replace`` from a query parameter or a form field; True when it is not given.

    Raises:
        InvalidRequest: it is neither true nor false.
    """
    if value is None:
        return True
    try:
        return _SWITCH.validate_python(value)
    except ValidationError:
        raise InvalidRequest("replace must be true or false") from None


def _raw_filename(query: str | None, header: str | None) -> str:
    if query is not None and header is not None:
        raise InvalidRequest("the filename is given twice, in the query and in X-Filename")
    if header is not None:
        return _decode_header(header)
    if query is None:
        raise InvalidRequest("a raw body needs its filename in X-Filename or in the query")
    return query


def _decode_header(value: str) -> str:
    """Decode the filename in a header: RFC 5987, percent-encoded UTF-8, or plain UTF-8."""
    charset, encoded = "utf-8", value
    if extended := _EXTENDED.fullmatch(value):
        charset, encoded = extended[1], extended[2]
    try:
        plain = encoded.encode("latin-1").decode() if not encoded.isascii() else encoded
        return unquote(plain, encoding=charset, errors="strict")
    except UnicodeError as exc:
        raise InvalidFilename(f"the filename is not {charset.upper()}") from exc
