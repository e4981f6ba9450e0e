"""JSON, JSON lines and notebooks: values as they are written, in their order, with their keys."""

import json

import pytest

from ingest.adapters.parsers.local.extract import parse_document
from ingest.adapters.parsers.local.parser_limits import ParserLimits
from ingest.domain.document import ParsedDocument
from ingest.domain.errors import DocumentUnreadable
from ingest.domain.parse_warning import WarningCode
from tests.format_samples import notebook
from tests.unit.parsing import outline

LIMITS = ParserLimits(max_pages=100, max_text_chars=50_000_000)


def parse(data: bytes | str, name: str = "x.json") -> ParsedDocument:
    raw = data.encode() if isinstance(data, str) else data
    return parse_document(raw, filename=name, limits=LIMITS)


def codes(parsed: ParsedDocument) -> list[WarningCode]:
    return [warning.code for warning in parsed.warnings]


def test_values_have_their_paths_and_come_in_their_order() -> None:
    parsed = parse('{"z": {"b": "quay", "a": [true, null]}, "a": [{"k": "x"}, ["y", ["w"]]]}')

    assert parsed.text.split("\n") == [
        *("z.b: quay", "z.a: true, null", "a[0].k: x", "a[1][0]: y", "a[1][1]: w")
    ]


def test_numbers_stay_as_they_are_written() -> None:
    text = parse('{"a": 12345678901234567890123, "b": 1.10, "c": 1e400, "d": -0}').text

    assert text == "a: 12345678901234567890123\nb: 1.10\nc: 1e400\nd: -0"


def test_a_list_of_flat_records_is_a_table() -> None:
    parsed = parse('{"ships": [{"name": "Ada", "tons": 12}, {"tons": 7, "name": "Bo", "x": true}]}')

    assert parsed.text == (
        "ships:\n\n| name | tons | x |\n| --- | --- | --- |\n| Ada | 12 |  |\n| Bo | 7 | true |"
    )


def test_records_with_long_values_are_blocks_with_their_keys() -> None:
    long = "word " * 100

    parsed = parse(json.dumps([{"title": "Moor", "text": long}, {"title": "Quay", "text": long}]))

    assert parsed.text.split("\n\n")[1].startswith("title: Quay\ntext: word")


def test_a_key_that_comes_twice_keeps_both_values() -> None:
    assert parse('{"a": "one", "a": "two"}').text == "a: one\na: two"


@pytest.mark.parametrize(
    "data", ['{"a": 1,}', '// settings\n{"a": 1}', '{"a": "cut off', "just words"]
)
def test_what_is_no_json_is_kept_as_written_and_said(data: str) -> None:
    parsed = parse(data)

    assert parsed.text == data
    assert codes(parsed) == [WarningCode.STRUCTURE_NOT_READ]


def test_a_value_nested_10000_deep_is_kept_as_written_and_said() -> None:
    data = "[" * 10_000 + '"deep"' + "]" * 10_000

    parsed = parse(data)

    assert parsed.text == data
    assert codes(parsed) == [WarningCode.STRUCTURE_NOT_READ]


def test_encoded_data_is_left_out_and_said() -> None:
    parsed = parse(json.dumps({"name": "chart", "png": "iVBORw0K" * 1000}))

    assert parsed.text == "name: chart\npng:"
    assert codes(parsed) == [WarningCode.DATA_LEFT_OUT]


def test_lines_of_json_are_records_and_a_broken_line_is_kept() -> None:
    parsed = parse('{"a": "x", "b": {"c": 1}}\n{"a": "y"\n{"a": "z"}\n', "x.jsonl")

    assert parsed.text.split("\n\n") == ["a: x\nb.c: 1", '{"a": "y"', "a: z"]
    assert codes(parsed) == [WarningCode.STRUCTURE_NOT_READ]


def test_lines_of_json_under_the_name_of_json_are_read() -> None:
    parsed = parse('{"a": 1, "b": 2}\n{"a": 3, "b": 4}\n')

    assert "| 3 | 4 |" in parsed.text
    assert not parsed.warnings


def test_a_notebook_keeps_headings_code_and_outputs() -> None:
    stream = {"output_type": "stream", "text": ["\x1b[31mred\x1b[0m\n", "done\n"]}
    error = {"output_type": "error", "ename": "KeyError", "evalue": "'rope'", "traceback": []}
    parsed = parse(
        notebook(
            {"cell_type": "markdown", "source": ["# Tides\n", "\n", "High at *seven*."]},
            {"cell_type": "code", "source": "print('```')", "outputs": [stream, error]},
            {"cell_type": "raw", "source": "raw words"},
        ),
        "x.ipynb",
    )

    assert outline(parsed) == [(1, "Tides")]
    assert "````python\nprint('```')\n````" in parsed.text
    assert "```\nred\ndone\n```" in parsed.text
    assert "KeyError: 'rope'" in parsed.text
    assert parsed.text.endswith("raw words")


def test_a_notebook_with_50_megabytes_of_pictures_keeps_its_words_and_says_so() -> None:
    picture = {"image/png": "iVBORw0K" * 6_250_000, "text/plain": "<Figure of the tide>"}
    output = {"output_type": "display_data", "data": picture}
    parsed = parse(
        notebook(
            {"cell_type": "code", "source": "plot()", "outputs": [output]},
            {"cell_type": "markdown", "source": f"![x](data:image/png;base64,{'QUJD' * 100}) end"},
        ),
        "x.ipynb",
    )

    assert "<Figure of the tide>" in parsed.text
    assert "QUJD" not in parsed.text
    assert len(parsed.text) < 200
    assert [(w.code, "cells 1, 2" in w.message) for w in parsed.warnings] == [
        (WarningCode.DATA_LEFT_OUT, True)
    ]


def test_a_long_output_is_cut_and_said() -> None:
    output = {"output_type": "stream", "text": "epoch 1 of the run\n" * 5000}

    parsed = parse(
        notebook({"cell_type": "code", "source": "fit()", "outputs": [output]}), "x.ipynb"
    )

    assert len(parsed.text) < 21_000
    assert codes(parsed) == [WarningCode.TEXT_CUT]


def test_a_notebook_of_format_3_is_read() -> None:
    cell: dict[str, object] = {"cell_type": "code", "input": "1 + 1", "language": "python"}
    cell |= {"outputs": [{"output_type": "pyout", "text": ["2"]}]}
    old: dict[str, object] = {
        "worksheets": [{"cells": [{"cell_type": "heading", "level": 2, "source": "Sum"}, cell]}]
    }

    parsed = parse(json.dumps(old), "x.ipynb")

    assert parsed.text == "## Sum\n\n```python\n1 + 1\n```\n\n```\n2\n```"


def test_a_notebook_without_cells_is_refused() -> None:
    with pytest.raises(DocumentUnreadable, match="notebook"):
        parse("[1, 2]", "x.ipynb")
