"""Files of formats for which no library of the tests writes: OpenDocument, OLE, RTF and text."""

import io
import json
import struct
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from xml.sax.saxutils import escape

_NAMESPACES = " ".join(
    f'xmlns:{prefix}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
    for prefix, name in {
        "office": "office",
        "text": "text",
        "table": "table",
        "draw": "drawing",
        "style": "style",
        "presentation": "presentation",
        "svg": "svg-compatible",
    }.items()
)
_DUBLIN_CORE = (
    'xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xlink="http://www.w3.org/1999/xlink"'
)
_KINDS = {"odt": "text", "ods": "spreadsheet", "odp": "presentation"}
_SMALL_BYTES = 4096
_FREE, _END, _FAT = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD


def odf(kind: str, body: str, *, styles: str = "", parts: Mapping[str, str] | None = None) -> bytes:
    """An OpenDocument file: ``odt``, ``ods`` or ``odp``, with the XML of its body."""
    name = _KINDS[kind]
    content = (
        f"<office:document-content {_NAMESPACES} {_DUBLIN_CORE}>"
        f"<office:automatic-styles>{styles}</office:automatic-styles>"
        f"<office:body><office:{name}>{body}</office:{name}></office:body>"
        "</office:document-content>"
    )
    mimetype = f"application/vnd.oasis.opendocument.{name}"
    return archive({"mimetype": mimetype, "content.xml": content, **(parts or {})})


def archive(files: Mapping[str, str | bytes]) -> bytes:
    """A ZIP archive."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        for path, content in files.items():
            kind = zipfile.ZIP_STORED if path == "mimetype" else zipfile.ZIP_DEFLATED
            made.writestr(zipfile.ZipInfo(path), content, compress_type=kind)
    return out.getvalue()


def sheet(name: str, *rows: str) -> str:
    """A sheet of an OpenDocument spreadsheet, with the XML of its rows."""
    return f'<table:table table:name="{name}">{"".join(rows)}</table:table>'


def row(*cells: str, repeated: int = 1) -> str:
    """A row of an OpenDocument table; an empty cell has no paragraph."""
    made = "".join(
        f"<table:table-cell>{f'<text:p>{escape(cell)}</text:p>' if cell else ''}</table:table-cell>"
        for cell in cells
    )
    return f'<table:table-row table:number-rows-repeated="{repeated}">{made}</table:table-row>'


def ole(streams: Mapping[str, bytes]) -> bytes:
    """An OLE compound file; a path with slashes names the folders of a stream."""
    above = [path.split("/")[:-1] for path in streams]
    folders = sorted({"/".join(f[: n + 1]) for f in above for n in range(len(f))})
    names = [*folders, *streams]
    children: dict[str, list[int]] = {}
    for number, path in enumerate(names, start=1):
        children.setdefault(path.rpartition("/")[0], []).append(number)
    big, small = _Sectors(512), _Sectors(64)
    entries = []
    for number, path in enumerate(names, start=1):
        siblings = children[path.rpartition("/")[0]]
        after = next((other for other in siblings if other > number), _FREE)
        if path in folders:
            entries.append(_entry(path, 1, right=after, child=children[path][0]))
            continue
        data = streams[path]
        start = (small if len(data) < _SMALL_BYTES else big).store(data)
        entries.append(_entry(path, 2, right=after, start=start, size=len(data)))
    held = b"".join(small.sectors)
    root = _entry("Root Entry", 5, child=children[""][0], start=big.store(held), size=len(held))
    small_fat = big.store(struct.pack(f"<{len(small.fat)}I", *small.fat))
    directory = big.store(root + b"".join(entries))
    tables = -(-(len(big.fat) + 2) // 126)
    first = len(big.fat)
    fat = [*big.fat, *[_FAT] * tables]
    fat += [_FREE] * (tables * 128 - len(fat))
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16)
    header += struct.pack("<HHHHH6xII", 0x3E, 3, 0xFFFE, 9, 6, 0, tables)
    header += struct.pack("<IIIIIII", directory, 0, _SMALL_BYTES, small_fat, 1, _END, 0)
    header += b"".join(struct.pack("<I", first + n) for n in range(tables))
    table = struct.pack(f"<{len(fat)}I", *fat)
    return header.ljust(512, b"\xff") + b"".join(big.sectors) + table


class _Sectors:
    """Sectors of one size, and the table that says which one follows which."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.sectors: list[bytes] = []
        self.fat: list[int] = []

    def store(self, data: bytes) -> int:
        """Store a stream; returns its first sector."""
        if not data:
            return _END
        start = len(self.fat)
        for at in range(0, len(data), self.size):
            self.sectors.append(data[at : at + self.size].ljust(self.size, b"\0"))
            self.fat.append(len(self.sectors))
        self.fat[-1] = _END
        return start


def _entry(
    path: str, kind: int, *, right: int = _FREE, child: int = _FREE, start: int = 0, size: int = 0
) -> bytes:
    name = path.rpartition("/")[2].encode("utf-16-le") + b"\0\0"
    head = name.ljust(64, b"\0") + struct.pack("<HBBIII", len(name), kind, 1, _FREE, right, child)
    return head + bytes(36) + struct.pack("<IQ", start, size)


def msg(
    texts: Mapping[int, str],
    *,
    binary: Mapping[int, bytes] | None = None,
    attachments: Sequence[str] = (),
) -> bytes:
    """A message of Outlook; texts and binary values by the numbers of their properties."""
    streams = {"__properties_version1.0": bytes(32)}
    for number, value in texts.items():
        streams[f"__substg1.0_{number:04X}001F"] = value.encode("utf-16-le")
    for number, data in (binary or {}).items():
        streams[f"__substg1.0_{number:04X}0102"] = data
    for place, name in enumerate(attachments):
        folder = f"__attach_version1.0_#{place:08X}"
        streams[f"{folder}/__properties_version1.0"] = bytes(8)
        streams[f"{folder}/__substg1.0_3707001F"] = name.encode("utf-16-le")
        streams[f"{folder}/__substg1.0_37010102"] = b"attached words"
    return ole(streams)


def xls(sheets: Mapping[str, Sequence[Sequence[str | float | tuple[float, str]]]]) -> bytes:
    """A workbook (BIFF 8); a pair is a number with its format."""
    formats = sorted(
        {c[1] for rows in sheets.values() for r in rows for c in r if isinstance(c, tuple)}
    )
    head = _record(0x809, struct.pack("<HHHHII", 0x600, 5, 0, 0, 0, 0)) + _record(0x42, b"\xb0\x04")
    font = struct.pack("<HHHHHBBBBBB", 200, 0, 0x7FFF, 400, 0, 0, 0, 0, 0, 5, 0) + b"Arial"
    head += _record(0x31, font) * 5
    for number, code in enumerate(formats):
        head += _record(0x41E, struct.pack("<HHB", 164 + number, len(code), 0) + code.encode())
    styles = [0, *(164 + number for number in range(len(formats)))]
    head += b"".join(_record(0xE0, struct.pack("<HHH14x", 0, key, 0)) for key in styles)
    bodies = [_sheet_records(rows, formats) for rows in sheets.values()]
    bounds = sum(len(_bound(name, 0)) for name in sheets)
    at = len(head) + bounds + len(_record(0x0A, b""))
    for name, body in zip(sheets, bodies, strict=True):
        head += _bound(name, at)
        at += len(body)
    return ole({"Workbook": (head + _record(0x0A, b"") + b"".join(bodies)).ljust(4096, b"\0")})


def _record(number: int, data: bytes) -> bytes:
    return struct.pack("<HH", number, len(data)) + data


def _bound(name: str, at: int) -> bytes:
    text = name.encode("utf-16-le")
    return _record(0x85, struct.pack("<IHBB", at, 0, len(name), 1) + text)


def _sheet_records(
    rows: Sequence[Sequence[str | float | tuple[float, str]]], formats: Sequence[str]
) -> bytes:
    out = _record(0x809, struct.pack("<HHHHII", 0x600, 0x10, 0, 0, 0, 0))
    for y, cells in enumerate(rows):
        for x, cell in enumerate(cells):
            if isinstance(cell, str):
                text = struct.pack("<HB", len(cell), 1) + cell.encode("utf-16-le")
                out += _record(0x204, struct.pack("<HHH", y, x, 0) + text) if cell else b""
                continue
            value, code = cell if isinstance(cell, tuple) else (cell, "")
            style = formats.index(code) + 1 if code else 0
            out += _record(0x203, struct.pack("<HHHd", y, x, style, value))
    return out + _record(0x0A, b"")


def notebook(*cells: Mapping[str, object]) -> bytes:
    """A notebook of format 4 in Python."""
    metadata = {"language_info": {"name": "python"}}
    made = {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(made).encode()


def rtf(body: str, *, head: str = "") -> bytes:
    """An RTF document in code page 1252, whose style 1 is a heading."""
    tables = r"{\fonttbl{\f0\fswiss\fcharset0 Arial;}}{\stylesheet{\s0 Normal;}{\s1 heading 1;}}"
    return rf"{{\rtf1\ansi\ansicpg1252\deff0{tables}{head}{body}}}".encode("latin-1")


def one_of_each(sentence: str) -> Iterator[tuple[str, bytes]]:
    """Filename and content in each of these formats, with this sentence."""
    word = escape(sentence)
    yield "sample.csv", f'place,note\nfirst,"{sentence}"\n'.encode()
    yield "sample.tsv", f"place\tnote\nfirst\t{sentence}\n".encode()
    yield "sample.json", json.dumps({"note": {"text": sentence}}).encode()
    yield "sample.jsonl", json.dumps({"text": sentence}).encode() + b"\n"
    section = f"<title>Overview</title><para>{word}</para>"
    yield "sample.xml", f'<?xml version="1.0"?>\n<article>{section}</article>'.encode()
    yield "sample.ipynb", notebook({"cell_type": "markdown", "source": f"# Overview\n\n{sentence}"})
    yield "sample.rtf", rtf(rf"\pard\s1 Overview\par\pard {sentence}\par")
    yield (
        "sample.odt",
        odf("odt", f'<text:h text:outline-level="1">Overview</text:h><text:p>{word}</text:p>'),
    )
    yield "sample.ods", odf("ods", sheet("Sheet 1", row("Note", sentence)))
    title = '<draw:frame presentation:class="title"><draw:text-box><text:p>Overview</text:p>'
    frame = f"<draw:frame><draw:text-box><text:p>{word}</text:p></draw:text-box></draw:frame>"
    slide = f"<draw:page>{title}</draw:text-box></draw:frame>{frame}</draw:page>"
    yield "sample.odp", odf("odp", slide)
    yield "sample.xls", xls({"Sheet 1": [["Note", sentence]]})
    yield "sample.msg", msg({0x37: "Overview", 0x1000: sentence})
    yield "sample.rst", f"Overview\n========\n\n{sentence}\n".encode()
    yield "sample.adoc", f"= Overview\n\n{sentence}\n".encode()
    yield "sample.org", f"* Overview\n{sentence}\n".encode()
    said = sentence.replace("&", r"\&")
    yield "sample.tex", rf"\begin{{document}}\part{{Overview}} {said} \end{{document}}".encode()
    yield "sample.vtt", f"WEBVTT\n\n00:01.000 --> 00:04.000\n{word}\n".encode()
    yield "sample.srt", f"1\n00:00:01,000 --> 00:00:04,000\n{sentence}\n".encode()
    yield "sample.zip", archive({"Overview": sentence.encode()})
