"""External ids of uploaded files, and the paths that the gateway keeps."""

import os
from pathlib import Path

import pytest

from ingest.cli.exit_codes import WrongUsage
from ingest.cli.uploads.external_ids import name_files, seen_from_here, source_path
from ingest.cli.uploads.select_files import select


def a_tree(root: Path, *names: str) -> Path:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return root


def ids(*paths: Path | str, root: Path | str | None = None, prefix: str = "") -> list[str | None]:
    files = select([str(path) for path in paths]).files
    named = name_files(files, root=None if root is None else str(root), prefix=prefix)
    return [file.external_id for file in named]


def test_without_a_root_an_id_is_the_path_below_the_folder_that_was_named(tmp_path: Path) -> None:
    a_tree(tmp_path, "a/x.md", "b/y.md")

    assert ids(tmp_path) == ["a/x.md", "b/y.md"]
    assert ids(tmp_path / "a", tmp_path / "b" / "y.md") == ["x.md", "y.md"]


def test_with_a_root_an_id_is_the_same_whichever_folder_was_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_tree(tmp_path, "a/x.md")
    monkeypatch.chdir(tmp_path / "a")

    for named in (tmp_path, tmp_path / "a", tmp_path / "a" / "x.md", ".", "x.md", "../a"):
        assert ids(named, root=tmp_path) == ["a/x.md"]
        assert ids(named, root="..") == ["a/x.md"]


def test_with_a_root_files_of_the_same_name_have_ids_of_their_own(tmp_path: Path) -> None:
    a_tree(tmp_path, "hr/README.md", "it/README.md")

    found = ids(tmp_path / "hr", tmp_path / "it", root=tmp_path)

    assert found == ["hr/README.md", "it/README.md"]


def test_a_prefix_comes_before_each_path_as_it_is(tmp_path: Path) -> None:
    a_tree(tmp_path, "hr/README.md")

    assert ids(tmp_path / "hr", prefix="hr/") == ["hr/README.md"]
    assert ids(tmp_path / "hr", root=tmp_path, prefix="2024:") == ["2024:hr/README.md"]


def test_a_root_and_files_meet_where_one_was_named_by_a_link(tmp_path: Path) -> None:
    a_tree(tmp_path, "real/a/x.md")
    (tmp_path / "link").symlink_to(tmp_path / "real")

    assert ids(tmp_path / "link" / "a", root=tmp_path / "real") == ["a/x.md"]
    assert ids(tmp_path / "real" / "a", root=tmp_path / "link") == ["a/x.md"]


def test_a_linked_file_is_named_by_where_the_link_is(tmp_path: Path) -> None:
    a_tree(tmp_path, "elsewhere/x.md", "docs/y.md")
    (tmp_path / "docs" / "x.md").symlink_to(tmp_path / "elsewhere" / "x.md")

    assert ids(tmp_path / "docs", root=tmp_path / "docs") == ["x.md", "y.md"]


@pytest.mark.parametrize("outside", ["it/README.md", "hr2/README.md"])
def test_a_file_outside_the_root_is_refused(tmp_path: Path, outside: str) -> None:
    a_tree(tmp_path, "hr/README.md", outside)

    with pytest.raises(WrongUsage, match=rf"{outside}' is outside --root '"):
        ids(tmp_path / "hr", tmp_path / outside, root=tmp_path / "hr")


def test_a_way_out_of_the_root_by_dots_is_refused(tmp_path: Path) -> None:
    a_tree(tmp_path, "hr/README.md", "it/README.md")

    with pytest.raises(WrongUsage, match="is outside --root"):
        ids(f"{tmp_path}/hr/../it/README.md", root=tmp_path / "hr")


@pytest.mark.parametrize("root", ["nowhere", "hr/README.md"])
def test_a_root_that_is_no_folder_is_refused(tmp_path: Path, root: str) -> None:
    a_tree(tmp_path, "hr/README.md")

    with pytest.raises(WrongUsage, match=r"--root '.*' is not a folder"):
        ids(tmp_path / "hr", root=tmp_path / root)


def test_a_collision_names_both_options_and_never_says_separately(tmp_path: Path) -> None:
    a_tree(tmp_path, "hr/README.md", "it/README.md")

    with pytest.raises(WrongUsage, match=r"external id 'README\.md'.*--root") as caught:
        ids(tmp_path / "hr", tmp_path / "it")

    assert "--external-id-prefix" in caught.value.message
    assert "separately" not in caught.value.message


def test_a_source_path_does_not_depend_on_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_tree(tmp_path, "hr/README.md", "it/README.md")
    monkeypatch.chdir(tmp_path / "hr")
    ours = source_path(Path("README.md"))
    monkeypatch.chdir(tmp_path / "it")
    theirs = source_path(Path("README.md"))
    monkeypatch.chdir(tmp_path)

    assert ours != theirs
    assert (seen_from_here(ours), seen_from_here(theirs)) == ("hr/README.md", "it/README.md")
    monkeypatch.chdir(tmp_path / "it")
    assert seen_from_here(ours) == str(tmp_path / "hr" / "README.md")


def test_a_source_path_can_always_be_sent(tmp_path: Path) -> None:
    strange = tmp_path / os.fsdecode(b"caf\xe9\n") / ("x" * 200) / ("y" * 2000)

    path = source_path(strange)

    path.encode()
    assert path.isprintable()
    assert len(path) == 1024
    assert r"caf\udce9\n" in source_path(strange.parent)
