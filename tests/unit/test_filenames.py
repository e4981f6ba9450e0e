import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.domain.document import MAX_FILENAME_CHARS, clean_filename
from ingest.domain.errors import InvalidFilename


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("report.pdf", "report.pdf"),
        ("../../etc/passwd", "passwd"),
        ("..\\..\\boot.ini", "boot.ini"),
        ("C:\\Users\\ada\\minutes.docx", "minutes.docx"),
        ("/absolute/x.txt", "x.txt"),
        ("folder/", "folder"),
        ("../", None),
        ("..", None),
        (".", None),
        ("", None),
        ("/", None),
        (".hidden", ".hidden"),
        ("two words (1).txt", "two words (1).txt"),
        ("u\u0308ber.txt", "über.txt"),
        ("שלום 😀.txt", "שלום 😀.txt"),
        ("line\nbreak.txt", None),
        ("nul\0.txt", None),
        ("tab\t.txt", None),
        ("delete\x7f.txt", None),
        ("half \ud83d pair.txt", None),
        ("x" * MAX_FILENAME_CHARS, "x" * MAX_FILENAME_CHARS),
        ("x" * 300, None),
    ],
)
def test_only_the_last_component_of_a_sound_filename_is_kept(sent: str, kept: str | None) -> None:
    if kept is None:
        with pytest.raises(InvalidFilename):
            clean_filename(sent)
    else:
        assert clean_filename(sent) == kept


def test_a_filename_over_the_limit_is_refused_by_the_limit() -> None:
    with pytest.raises(InvalidFilename, match="300 characters, limit 255"):
        clean_filename("x" * 300)


@given(st.text(max_size=300))
def test_a_cleaned_filename_is_clean_and_stays_as_it_is(sent: str) -> None:
    try:
        name = clean_filename(sent)
    except InvalidFilename:
        return
    assert not set(name) & set("/\\\n\0")
    assert name not in {"", ".", ".."}
    assert len(name) <= MAX_FILENAME_CHARS
    assert clean_filename(name) == name
