"""``ingest upload``."""

from typing import TYPE_CHECKING, Annotated

import typer

from ingest.cli.commands import estimate
from ingest.cli.exit_codes import ExitCode
from ingest.cli.options import JsonOption, KeyOption, UrlOption
from ingest.cli.process import run_async
from ingest.cli.uploads.upload_options import DEFAULT_CONCURRENCY, UploadOptions

if TYPE_CHECKING:
    from ingest.cli.uploads.transfer import Transfer

_Paths = Annotated[
    list[str], typer.Argument(metavar="PATH...", help="Files, folders or quoted patterns.")
]
_Concurrency = Annotated[
    int,
    typer.Option(
        metavar="N",
        min=1,
        max=64,
        help="Requests at the same time: a large file each, or several small ones.",
    ),
]
_Wait = Annotated[
    bool, typer.Option("--wait/--no-wait", help="Wait until the documents are searchable.")
]
_ExternalIds = Annotated[
    bool,
    typer.Option(
        "--external-ids",
        help="Name each document by its path below the folder, so that a changed file becomes "
        "the next generation of its document.",
    ),
]
_Root = Annotated[
    str | None,
    typer.Option(
        metavar="FOLDER",
        help="Implies --external-ids: name each document by its path relative to this folder, "
        "whichever folder is uploaded. A file outside it is refused.",
        show_default=False,
    ),
]
_Prefix = Annotated[
    str,
    typer.Option(
        "--external-id-prefix",
        metavar="TEXT",
        help="Implies --external-ids: put this text before each path, e.g. `hr/`.",
        show_default=False,
    ),
]
_NoReplace = Annotated[
    bool,
    typer.Option(
        "--no-replace",
        help="Refuse a file when its external id exists with other content.",
    ),
]
_Verbose = Annotated[
    bool, typer.Option("--verbose", help="Name every skipped and replaced file, not only some.")
]


def upload(
    paths: _Paths,
    url: UrlOption = None,
    key: KeyOption = None,
    concurrency: _Concurrency = DEFAULT_CONCURRENCY,
    wait: _Wait = True,
    external_ids: _ExternalIds = False,
    root: _Root = None,
    external_id_prefix: _Prefix = "",
    no_replace: _NoReplace = False,
    verbose: _Verbose = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Upload nothing; show the cost.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Upload files and folders, and wait until they are searchable.

    Folders are read recursively. Hidden files and files that the gateway cannot read, e.g.
    images and archives, are skipped and named; their content decides, so that CSV, JSON and
    other text is taken. Large files are streamed, several at a time; small files share requests.
    The same bytes are one document. Run the same command again at any time: it resumes after an
    interruption, and does not process an existing document again.

    With --external-ids, a document is named by a path. Upload with the same --root each time, so
    that a file has the same name whichever folder is uploaded. When a file replaces one from
    another path, the summary says so.

    The summary ends with the documents that were not read whole or for sure, and their warnings.

    Exit code 0: everything is fine, or has warnings. 1: a file was rejected or failed. 2: wrong
    usage, or the system cannot be reached.
    """
    from ingest.cli.uploads.external_ids import name_files
    from ingest.cli.uploads.select_files import select
    from ingest.cli.uploads.transfer import Transfer

    selection = select(paths)
    if external_ids or root is not None or external_id_prefix:
        selection.files = name_files(selection.files, root=root, prefix=external_id_prefix)
    if dry_run:
        estimate.run(paths, {}, as_json=as_json)
        return
    options = UploadOptions(concurrency=concurrency, replace=not no_replace)
    transfer = Transfer(selection, options, wait=wait)
    _run(transfer, url, key, as_json=as_json, verbose=verbose)
    if transfer.counters.rejected or transfer.counters.failed:
        raise typer.Exit(ExitCode.FAILED)


def _run(
    transfer: "Transfer", url: str | None, key: str | None, *, as_json: bool, verbose: bool
) -> None:
    """Upload, and print the summary even after an error."""
    from ingest.cli.output import console, emit_json, say
    from ingest.cli.uploads import summary

    try:
        run_async(transfer.run(url, key))
    except KeyboardInterrupt:
        say("interrupted; run the same command again to resume")
        raise
    finally:
        counters, skipped = transfer.counters, transfer.selection.skipped
        if counters.ended and as_json:
            emit_json(summary.as_json(counters, skipped))
        elif counters.ended:
            summary.show(console(), counters, skipped, waited=transfer.wait, verbose=verbose)
