"""Which files an upload takes."""

import os
from pathlib import Path

import pytest

from ingest.cli.failures import WrongUsage
from ingest.cli.selection import ensure_distinct, select


def a_tree(root: Path, *names: str) -> Path:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return root


def test_a_folder_is_read_recursively_in_order_and_counts_what_it_leaves_out(
    tmp_path: Path,
) -> None:
    a_tree(tmp_path, "b.txt", "a/c.MD", "a/d.exe", ".git/e.txt", "a/.f.txt", "g")

    found = select([str(tmp_path)])

    assert [file.relative for file in found.files] == ["b.txt", "a/c.MD"]
    assert +found.skipped == {"hidden": 2, "unsupported extension": 2}
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
    assert found.skipped["named twice"] == 2


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
    assert found.skipped["linked folder"] == 1


def test_pipes_and_dangling_links_do_not_block_the_walk(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.txt")
    (tmp_path / "gone.txt").symlink_to(tmp_path / "nowhere")

    found = select([str(tmp_path)])

    assert found.files == []
    assert +found.skipped == {"not a regular file": 1, "unreadable": 1}


def test_a_named_pipe_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.txt")

    with pytest.raises(WrongUsage, match="is not a regular file"):
        select([str(tmp_path / "pipe.txt")])


def test_files_that_would_share_an_external_id_are_refused(tmp_path: Path) -> None:
    a_tree(tmp_path, "a/index.md", "b/index.md")
    found = select([str(tmp_path / "a"), str(tmp_path / "b")])

    with pytest.raises(WrongUsage, match=r"external id 'index\.md'"):
        ensure_distinct(found.files)


def test_files_below_one_folder_have_distinct_external_ids(tmp_path: Path) -> None:
    a_tree(tmp_path, "a/index.md", "b/index.md")

    ensure_distinct(select([str(tmp_path)]).files)
