"""Uploads of many documents in one request."""

from collections import Counter
from collections.abc import AsyncIterator
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import APIRouter, Request
from pydantic import Field

from ingest.app.intake.accept_batch import Incoming, accept_batch
from ingest.app.intake.upload import UploadRequest
from ingest.domain.arrival import Accepted
from ingest.domain.errors import BodyTooLarge, IngestError, InvalidRequest
from ingest.domain.scopes import Caller
from serve.authorization import CurrentCaller
from serve.dependencies import CurrentDependencies
from serve.multipart import FILE_PART, OVERHEAD_BYTES, FileForm, FormFile
from serve.problems import Problem, documented, problem_of, retry_seconds, status_of
from serve.query_parameters import StrictRoute
from serve.routes.uploads import (
    BINARY,
    FORM_FIELDS,
    AcceptedBody,
    declares_over,
    may_replace,
    open_form,
    paced_body,
)
from serve.schemas import ResponseBody

log = structlog.get_logger(module=__name__)
router = APIRouter(tags=["documents"], route_class=StrictRoute)
PATH = "/v1/documents:batch"
MAX_FILES = 100
_REQUEST_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": [FILE_PART],
                    "properties": FORM_FIELDS
                    | {
                        FILE_PART: {
                            "type": "array",
                            "items": BINARY,
                            "minItems": 1,
                            "maxItems": MAX_FILES,
                        }
                    },
                    "description": "A field applies to the next file alone.",
                }
            }
        },
    }
}


class AcceptedFile(AcceptedBody):
    """A file of a batch that was accepted."""

    filename: str = Field(description="The filename, as it was sent.")
    status: int = Field(description="202: a job was created. 200: it was accepted before.")


class RefusedFile(ResponseBody):
    """A file of a batch that was refused."""

    filename: str = Field(description="The filename, as it was sent.")
    status: int = Field(description="The status that an upload of this file alone would have.")
    error: Problem
    retry_after: int = Field(
        0, description="With status 429 or 503: seconds after which to repeat this file."
    )


class UploadBatchBody(ResponseBody):
    """The results of a batch."""

    results: list[AcceptedFile | RefusedFile] = Field(
        description="One result for each file, in the order of the form."
    )


@router.post(
    PATH,
    response_model=UploadBatchBody,
    response_model_exclude_unset=True,  # members of a problem that say nothing are left out
    summary="Upload many documents",
    openapi_extra=_REQUEST_BODY,
    responses=documented(401, 403, 408, 413, 422, 503),
)
async def upload_batch(
    request: Request, gateway: CurrentDependencies, caller: CurrentCaller
) -> UploadBatchBody:
    """Store the files of a form while they arrive, and enqueue their jobs.

    Each file has its own result. Any other answer than 200 means that nothing was accepted.
    """
    most = gateway.settings.max_upload_bytes + MAX_FILES * OVERHEAD_BYTES
    if declares_over(request, most):
        raise _too_large(most)
    body = _limited(paced_body(request, gateway), most)
    form = open_form(request, body, max_files=MAX_FILES)
    if form is None:
        raise InvalidRequest("a batch is a form: its content type must be multipart/form-data")
    filenames: list[str] = []
    files = _files(form, caller, request.state.correlation_id, filenames)
    results = await accept_batch(gateway.intake, files)
    if not results:
        raise InvalidRequest(f"the form has no part {FILE_PART!r}")
    _log(results)
    if any(isinstance(result, Accepted) for result in results):
        await gateway.register.note(caller)
    return UploadBatchBody(
        results=[
            _result(request, filename, result)
            for filename, result in zip(filenames, results, strict=True)
        ]
    )


async def _files(
    form: FileForm, caller: Caller, correlation_id: str, filenames: list[str]
) -> AsyncIterator[Incoming]:
    """The files of a form; their names are added to ``filenames`` meanwhile."""
    while (file := await form.next_file()) is not None:
        filenames.append(file.filename)
        yield Incoming(_upload_request(file, caller, correlation_id), form.content())


def _upload_request(
    file: FormFile, caller: Caller, correlation_id: str
) -> UploadRequest | IngestError:
    if file.fault is not None:
        return file.fault
    try:
        replace = may_replace(file.fields.get("replace"))
    except InvalidRequest as exc:
        return exc
    return UploadRequest(
        tenant_id=caller.tenant_id,
        filename=file.filename,
        correlation_id=correlation_id,
        external_id=file.fields.get("external_id"),
        source_path=file.fields.get("source_path"),
        replace=replace,
    )


def _result(
    request: Request, filename: str, result: Accepted | IngestError
) -> AcceptedFile | RefusedFile:
    if isinstance(result, Accepted):
        status = HTTPStatus.ACCEPTED if result.created else HTTPStatus.OK
        return AcceptedFile.of(result, filename=filename, status=status)
    seconds = retry_seconds(result)
    more = {} if seconds is None else {"retry_after": seconds}
    problem = problem_of(request, result)
    return RefusedFile(filename=filename, status=status_of(result), error=problem, **more)


async def _limited(body: AsyncIterator[bytes], most: int) -> AsyncIterator[bytes]:
    bytes_len = 0
    async for part in body:
        bytes_len += len(part)
        if bytes_len > most:
            raise _too_large(most)
        yield part


def _too_large(most: int) -> BodyTooLarge:
    return BodyTooLarge(
        f"the batch has over {most} bytes, the limit: send fewer files in a request"
    )


def _log(results: list[Accepted | IngestError]) -> None:
    accepted = [one for one in results if isinstance(one, Accepted)]
    log.info(
        "batch accepted",
        files=len(results),
        created=sum(one.created for one in accepted),
        refused=dict(Counter(one.code for one in results if isinstance(one, IngestError))),
    )
