"""Keys of providers: read again when their file changes, and shown nowhere."""

import pickle
from pathlib import Path

import pytest

from ingest.adapters.auth.provider_keys import Keys


def test_a_key_shows_nowhere_and_does_not_travel() -> None:
    [key] = Keys("sk-very-secret").current()

    assert "sk-very-secret" not in repr(key)
    assert len(key.fingerprint) == 8
    with pytest.raises(TypeError, match="does not leave its process"):
        pickle.dumps(key)


def test_a_key_file_is_read_again_when_it_changes(tmp_path: Path) -> None:
    now = [0.0]
    file = tmp_path / "keys"
    file.write_text("# the old one\nsk-a\n\n")
    keys = Keys(file=file, clock=lambda: now[0])
    first = [key.secret for key in keys.current()]
    file.write_text("sk-b\nsk-c\nsk-b\n")
    unseen = [key.secret for key in keys.current()]
    now[0] = 2.0
    second = [key.secret for key in keys.current()]
    file.unlink()
    now[0] = 4.0

    assert (first, unseen, second) == (["sk-a"], ["sk-a"], ["sk-b", "sk-c"])
    assert [key.secret for key in keys.current()] == ["sk-b", "sk-c"]
