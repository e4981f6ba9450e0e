"""Writes the pages of docs/ that are generated from the code; a test compares them with it."""

import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from ingest.cli.app import app
from ingest.domain.job import CLAIMABLE_STATES, FINAL_STATES, TRANSITIONS
from ingest.domain.stage import STAGES
from ingest.settings import Settings
from serve.app import create_api
from serve.authorization import NEEDED

DOCS = Path(__file__).parents[2] / "docs"
_NOTE = "<!-- Written by `make docs` from the code; do not edit. -->"

_STAGE_MEANING = {
    "queued": "accepted; bytes and job are stored",
    "job_validated": "claimed; the bytes are here, fetched if need be, and match their digest",
    "parsing": "the parser reads the file",
    "parsed": "the text is stored, content-addressed: **a durable point to go on from**",
    "parse_validated": "the text was checked",
    "chunking": "the text is cut",
    "chunks_buffered": "the chunks are packed into batches",
    "embedding": "batches are embedded; **each is durable as it is stored**",
    "embedded": "all chunks are stored and published in one transaction",
}
_STATE_MEANING = {
    "queued": "ready to be claimed once `run_after` has passed",
    "working": "held under a lease by one worker",
    "waiting": "parked for a named reason, with a deadline",
    "retryable": "the last attempt failed; claimed again at `run_after`",
    "done": "published: this generation is what readers see",
    "deadletter": "failed for good, or too often; a person decides",
    "cancelled": "stopped by request, or superseded by a newer generation",
}


def state_machine() -> str:
    """docs/state-machine.md."""
    edges = "\n".join(
        f"    {state} --> {target}"
        for state, targets in TRANSITIONS.items()
        for target in sorted(targets)
    )
    stages = "\n".join(
        f"| {stage.ordinal} | `{stage}` | {_STAGE_MEANING[stage]} |" for stage in STAGES
    )
    states = "\n".join(
        f"| `{state}` | {_STATE_MEANING[state]} | "
        f"{', '.join(f'`{target}`' for target in sorted(targets)) or 'final'} |"
        for state, targets in TRANSITIONS.items()
    )
    return f"""{_NOTE}
# Stages and states of a job

Which stages does a job go through, and which states can it have?

A job brings one generation of a document to one index version. Its **stage** says how far it has
come. Its **state** says what happens to it there. The code and a trigger of the database have the
same table of transitions; the trigger refuses every other change.

## Stages

| | stage | meaning |
|--:|---|---|
{stages}

Within an attempt a job only moves forward. When an attempt is interrupted, the next one starts at
the last durable point: `parsed` when the text is stored, else `queued`.

## States

| state | meaning | may become |
|---|---|---|
{states}

Claimable: {", ".join(f"`{state}`" for state in sorted(CLAIMABLE_STATES))}.
Final: {", ".join(f"`{state}`" for state in sorted(FINAL_STATES))}.

```mermaid
stateDiagram-v2
    [*] --> queued
{edges}
```
"""


def settings() -> str:
    """docs/settings.md."""
    rows = "\n".join(
        f"| `INGEST_{name.upper()}` | {_default(field.default)} | {field.description} |"
        for name, field in Settings.model_fields.items()
    )
    return f"""{_NOTE}
# Settings

Which settings are there, and what are their defaults?

Settings are environment variables. Each process reads them once. An empty variable counts as not
set. `ingest up`, `backfill` and `demo` check all of them before they start anything. A value that
is wrong, or that contradicts another value, ends the command with exit code 2 and one line for each
fault. The line names the variable, what is allowed, and the value unless it is secret.
`ingest doctor` makes the same check and shows what is in use.

| variable | default | meaning |
|---|---|---|
{rows}

The command line also reads `INGEST_URL` (where the gateway is) and `INGEST_API_KEY`.
"""


def _default(value: object) -> str:
    if value is None:
        return "empty"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


_HTTP_INTRO = """\
# HTTP

How do I use the HTTP API?

The gateway describes itself. The full schema of every request and answer is at `/docs`, and as
OpenAPI at `/openapi.json`.

```console
$ curl --data-binary @report.pdf 'http://127.0.0.1:8000/v1/documents?filename=report.pdf'
$ curl --form file=@report.pdf http://127.0.0.1:8000/v1/documents
$ curl --no-buffer http://127.0.0.1:8000/v1/jobs/JOB/events
$ curl --json '{"query": "notice period", "k": 5}' http://127.0.0.1:8000/v1/search
```

An upload is answered with 202 when its bytes and its job are stored, or with 200 when the same
content was accepted before. The answer has the ids of the document and the job, and the address to
follow the job. With an `external_id`, new bytes become the next generation of the same document.
With an `Idempotency-Key`, a repeated request is the same request.

`POST /v1/documents` takes these as query parameters, or as fields of the form before the file:

* `external_id`: your own name for the document, at most 512 characters.
* `source_path`: where you have the file, for example its path, at most 1,024 characters. It is
  kept with the generation.
* `replace=false`: when the `external_id` exists with other bytes, the upload is refused with 409
  `document_exists`, and nothing is stored. By default it becomes the next generation.

When an upload becomes the next generation, `replaces` in the answer has the `filename`, the
`source_path` and the `generation` that it replaces. Otherwise `replaces` is null.
A deleted document is answered with 404. [Backfills do not bring it
back](documents.md#deletions). An upload with the same `external_id` brings it back, and so do the
same bytes without an `external_id`.

`POST /v1/documents:batch` takes up to 100 files in one form. For many small documents it costs the
gateway and the database much less than a request for each:

```console
$ curl --form file=@a.md --form file=@b.md http://127.0.0.1:8000/v1/documents:batch
```

* The fields `external_id`, `source_path` and `replace` apply to the next file alone.
* The body may have `INGEST_MAX_UPLOAD_BYTES` and 25 MiB for names. A longer one is refused with 413
  `body_too_large`.
* The answer is 200 with `results`: one for each file, in the order of the form. A result has the
  `filename`, and the `status` that an upload of this file alone would have. With 202 and 200 it has
  the fields of that answer, else the problem in `error`. With 429 and 503, `retry_after` says after
  how many seconds to repeat this file. A file that is refused does not stop the others.
* Any other answer than 200 means that nothing of the batch was accepted. The form was cut off, too
  slow or malformed, for example.
* The same document twice in a batch is like two uploads, one after the other.
* It is safe to repeat a batch. `Idempotency-Key` has no effect here.

A document and a job have `warning_count` and `warnings`: [what was not read](warnings.md).
`GET /v1/documents?warning=any` lists the documents that have some; a code instead of `any` lists
those with this warning.

With `INGEST_AUTH=keys`, every request except `/healthz`, `/readyz` and `/metrics` needs
`Authorization: Bearer KEY`, with a key that has the scope of the route. The answer repeats
`X-Request-ID`; it is in every log line of the request and of the job that it made. Errors are
`application/problem+json` with a stable `code`; [bad input](bad-input.md) lists them. Answers with
429 and 503 have `Retry-After`, and it is safe to repeat the request. `POST /v1/search` answers 402
(`budget_exhausted`) when a [search budget](providers.md#money) is used up. Repeat it when the
budget is raised, or when its period ends. [Search](search.md) says what a query may
hold, and how the hits are ranked.

A query parameter that a route does not know is refused with 422 `unknown_parameter`, and so is one
that is given twice (`repeated_parameter`). In that case nothing is read, stored or deleted.
`/healthz`, `/readyz`, `/metrics`, `/docs` and the webhook ignore unknown parameters, because
probes, scrapers, browsers and providers add their own.

| request | needs | does |
|---|---|---|
"""
_CLI_INTRO = """\
# Command line

Which commands and options are there?

The command is `.venv/bin/ingest` after `make setup`, or `ingest` where the package is installed.
Commands that use a running system find it by the state folder. `--url` or `INGEST_URL` names
another system. `--json` prints JSON to standard output. Progress and errors go to standard error.

| exit code | meaning |
|--:|---|
| 0 | success; also when Ctrl-C ends `up` or `status --watch`, which run until they are stopped |
| 1 | the command ran, and something failed; also when Ctrl-C ends a backfill in good order |
| 2 | the command could not run: wrong usage or settings, no answer, or missing rights |
| 130 | interrupted: Ctrl-C ends a command in good order, a second Ctrl-C ends it at once |
| 143 | terminated by SIGTERM while the system started |
"""


def http() -> str:
    """docs/http.md."""
    paths = create_api(Settings()).openapi()["paths"]
    rows = "\n".join(
        f"| `{method.upper()} {path}` | {_scope(f'{method.upper()} {path}')} "
        f"| {operation['summary']} |"
        for path, operations in sorted(paths.items())
        for method, operation in operations.items()
    )
    return f"{_NOTE}\n{_HTTP_INTRO}{rows}\n"


def _scope(route: str) -> str:
    scope = NEEDED[route]
    return f"`{scope}`" if scope else "nothing"


def cli() -> str:
    """docs/cli.md."""
    root = typer.main.get_command(app)
    return f"{_NOTE}\n{_CLI_INTRO}{''.join(_commands(root, ('ingest',)))}"


def _commands(command: Any, path: tuple[str, ...]) -> Iterator[str]:
    children = getattr(command, "commands", {})
    for name, child in children.items():
        yield from _commands(child, (*path, name))
    if children:
        return
    arguments = [
        (p.metavar or p.name or "").upper()
        for p in command.params
        if p.param_type_name == "argument"
    ]
    options = [p for p in command.params if p.param_type_name == "option" and not p.hidden]
    yield f"\n## {' '.join((*path, *arguments))}\n\n{inspect.cleandoc(command.help)}\n\n"
    for option in options:
        yield f"* `{', '.join(sorted(option.opts, key=len))}`: {option.help}\n"


PAGES = {"state-machine.md": state_machine, "settings.md": settings, "http.md": http, "cli.md": cli}

if __name__ == "__main__":
    for name, write in PAGES.items():
        (DOCS / name).write_text(write(), encoding="utf-8")
