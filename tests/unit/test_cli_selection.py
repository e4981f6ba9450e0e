"""Which files an upload takes."""

import os
import zipfile
from pathlib import Path

import pytest

from ingest.cli.exit_codes import WrongUsage
from ingest.cli.uploads.select_files import Skipped, count_reasons, select
from tests import samples

OLD_OFFICE = "a legacy Office file (OLE), which is not read; save it as .docx or .pptx"


def a_tree(root: Path, *names: str) -> Path:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return root


def test_a_folder_is_read_recursively_in_order_and_counts_what_it_leaves_out(
    tmp_path: Path,
) -> None:
    a_tree(tmp_path, "b.txt", "a/c.MD", ".git/e.txt", "a/.f.txt")
    (tmp_path / "a" / "d.exe").write_bytes(b"MZ\x90\0\3\0\0\0")
    (tmp_path / "g").write_bytes(bytes(range(256)))

    found = select([str(tmp_path)])

    assert [file.relative for file in found.files] == ["b.txt", "a/c.MD"]
    assert count_reasons(found.skipped) == {"hidden": 2, "unsupported type": 2}
    assert [(Path(one.file).name, one.detail) for one in found.skipped] == [
        (".git", ""),
        ("g", "binary, of no known type"),
        (".f.txt", ""),
        ("d.exe", "a Windows program"),
    ]
    assert found.bytes_len == len("b.txt" + "a/c.MD")


def test_a_named_file_is_taken_whatever_it_is(tmp_path: Path) -> None:
    a_tree(tmp_path, ".hidden.exe")

    [file] = select([str(tmp_path / ".hidden.exe")]).files

    assert file.relative == ".hidden.exe"


def test_a_file_is_taken_once_however_often_it_is_named(tmp_path: Path) -> None:
    a_tree(tmp_path, "a.txt")
    (tmp_path / "b.txt").symlink_to(tmp_path / "a.txt")

    found = select([str(tmp_path / "a.txt"), str(tmp_path)])

    assert len(found.files) == 1
    assert count_reasons(found.skipped) == {"named twice": 2}


def test_a_pattern_is_expanded_when_the_shell_did_not(tmp_path: Path) -> None:
    a_tree(tmp_path, "a.txt", "x/b.txt", "x/c.md")

    found = select([str(tmp_path / "**" / "*.txt")])

    assert [file.path.name for file in found.files] == ["a.txt", "b.txt"]


def test_a_file_whose_name_is_a_pattern_is_that_file(tmp_path: Path) -> None:
    a_tree(tmp_path, "[1].txt", "1.txt")

    [file] = select([str(tmp_path / "[1].txt")]).files

    assert file.path.name == "[1].txt"


def test_linked_folders_are_not_followed(tmp_path: Path) -> None:
    a_tree(tmp_path, "real/a.txt")
    (tmp_path / "real" / "loop").symlink_to(tmp_path / "real")

    found = select([str(tmp_path / "real")])

    assert len(found.files) == 1
    assert [(one.file, one.reason) for one in found.skipped] == [
        (str(tmp_path / "real" / "loop"), "linked folder")
    ]


def test_pipes_and_dangling_links_do_not_block_the_walk(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.txt")
    (tmp_path / "gone.txt").symlink_to(tmp_path / "nowhere")

    found = select([str(tmp_path)])

    assert found.files == []
    assert {(Path(one.file).name, one.reason, one.detail) for one in found.skipped} == {
        ("pipe.txt", "not a regular file", ""),
        ("gone.txt", "unreadable", "No such file or directory"),
    }


def test_a_named_pipe_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.txt")

    with pytest.raises(WrongUsage, match="is not a regular file"):
        select([str(tmp_path / "pipe.txt")])


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("data.csv", b"name;age\nAda;36\n"),
        ("data.json", b'{"name": "Ada"}'),
        ("photos.zip", b"PK\3\4" + bytes(26) + b"photo.jpg"),
        ("letter.rtf", b"{\\rtf1 words}"),
        ("page.mhtml", b"MIME-Version: 1.0\n"),
        ("macro.docm", samples.docx("A word of thanks.")),
        ("main.py", b"print()\n"),
        ("server.log", b"started\n"),
        ("page.xhtml", b"<html><body>Hello</body></html>"),
        ("Makefile", b"all:\n\techo\n"),
        ("report", b"%PDF-1.7\n"),
        ("letter", samples.docx("A word of thanks.")),
        ("empty.txt", b""),
        ("song.pdf", samples.mp3()),
    ],
)
def test_a_folder_takes_what_its_content_or_its_extension_says_is_read(
    tmp_path: Path, name: str, content: bytes
) -> None:
    (tmp_path / name).write_bytes(content)

    found = select([str(tmp_path)])

    assert [file.relative for file in found.files] == [name]
    assert found.skipped == []


@pytest.mark.parametrize(
    ("name", "content", "reason", "detail"),
    [
        ("old.doc", samples.legacy_doc(), "unsupported type", OLD_OFFICE),
        ("song.mp3", samples.mp3(), "unsupported type", "an MP3 recording"),
        ("notes.gz", b"\x1f\x8b\x08\0\0\0\0\0\0\3", "unsupported type", "a gzip archive"),
        ("tool.jar", b"PK\3\4" + bytes(26) + b"tool.class", "unsupported type", "a ZIP archive"),
        ("__init__.py", b"", "no document", "the file has no bytes"),
    ],
)  # fmt: skip
def test_a_folder_names_what_the_gateway_would_not_read(
    tmp_path: Path, name: str, content: bytes, reason: str, detail: str
) -> None:
    (tmp_path / name).write_bytes(content)

    found = select([str(tmp_path)])

    assert found.skipped == [Skipped(str(tmp_path / name), reason, detail)]


def test_a_zip_archive_is_known_by_names_that_come_late(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "letter", "w") as archive:
        archive.writestr("[Content_Types].xml", "x" * 10_000)
        archive.writestr("word/document.xml", "<document/>")

    assert len(select([str(tmp_path)]).files) == 1


def test_a_file_that_cannot_be_opened_is_taken_so_that_its_upload_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "server.log").write_text("started")

    def refuse(*_arguments: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)

    assert [file.relative for file in select([str(tmp_path)]).files] == ["server.log"]
