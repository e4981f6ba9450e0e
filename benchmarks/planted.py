"""Planted sentences: each question has one right document, which ought to come first.

Names and numbers are what an embedding blurs, so each has neighbours that differ in a few
characters.
"""

import json
import random
import string
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.corpus import prose

_FILLERS = 100
_NEIGHBOURS = 3
_PROSE_CHARS = 600
_LONG_CHARS = 6_000


@dataclass(slots=True)
class Planted:
    """Files to upload, and what is asked about them."""

    files: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    """Filename and content, by the name of the document."""
    queries: dict[str, str] = field(default_factory=dict)
    wanted: dict[str, str] = field(default_factory=dict)
    """The right document, by the question's name."""
    kinds: dict[str, str] = field(default_factory=dict)
    """What a question tries, by its name."""

    def ask(self, kind: str, document: str, *texts: str) -> None:
        """Add questions about a document."""
        for text in texts:
            query = f"q{len(self.queries)}"
            self.queries[query] = text
            self.wanted[query] = document
            self.kinds[query] = kind

    def only(self, kind: str) -> dict[str, str]:
        """The right documents of the questions of a kind."""
        return {query: name for query, name in self.wanted.items() if self.kinds[query] == kind}


Maker = Callable[[random.Random], tuple[str, tuple[str, ...]]]
"""Makes an identifier, and the forms in which people ask for it."""


def _digits(rng: random.Random, count: int) -> str:
    return str(rng.randrange(1, 10)) + "".join(rng.choices(string.digits, k=count - 1))


def _letters(rng: random.Random, count: int) -> str:
    return "".join(rng.choices("bcdfghjklmnpqrstvwxz", k=count))


def _name(rng: random.Random) -> str:
    """A name that is no word: vowels between consonants."""
    return "".join(rng.choice("bdfgklmnprstv") + rng.choice("aeiou") for _ in range(4))


def _part_number(rng: random.Random) -> tuple[str, tuple[str, ...]]:
    series = f"{_letters(rng, 2).upper()}-{_digits(rng, 4)}"
    whole = f"{series}{_letters(rng, 2).upper()}/{_digits(rng, 1)}P"
    return whole, (whole, whole.lower(), series)


def _error_code(rng: random.Random) -> tuple[str, tuple[str, ...]]:
    number = _digits(rng, 5)
    return f"ORA-{number}", (f"ORA-{number}", number)


def _invoice(rng: random.Random) -> tuple[str, tuple[str, ...]]:
    number = _digits(rng, 6)
    return f"INV-2031-{number}", (f"INV-2031-{number}", f"invoice 2031-{number}", number)


def _cve(rng: random.Random) -> tuple[str, tuple[str, ...]]:
    number = _digits(rng, 5)
    return f"CVE-2031-{number}", (f"CVE-2031-{number}", f"cve 2031 {number}")


def _version(rng: random.Random) -> tuple[str, tuple[str, ...]]:
    number = ".".join(_digits(rng, 2) for _ in range(3))
    return f"v{number}", (f"v{number}", number)


def _doi(rng: random.Random) -> tuple[str, tuple[str, ...]]:
    number = _digits(rng, 7)
    whole = f"10.1371/journal.{_name(rng)}.{number}"
    return whole, (whole, number)


def _host(rng: random.Random) -> tuple[str, tuple[str, ...]]:
    name, domain = _name(rng), _name(rng)
    whole = f"{name}.{domain}.example.com"
    return whole, (whole, name, f"{domain}.example.com")


def _path(rng: random.Random) -> tuple[str, tuple[str, ...]]:
    folder, file = _name(rng), _name(rng)
    whole = f"/opt/{folder}/bin/{file}"
    return whole, (whole, folder, file)


def _mail(rng: random.Random) -> tuple[str, tuple[str, ...]]:
    first, last = _name(rng), _name(rng)
    whole = f"{first}.{last}@pilots.example.org"
    return whole, (whole, f"{first}.{last}", f"{first} {last}", last)


def _option(rng: random.Random) -> tuple[str, tuple[str, ...]]:
    first, last = _name(rng), _name(rng)
    return f"max_{first}_{last}", (f"max_{first}_{last}", f"{first}_{last}", f"max {first} {last}")


def _class(rng: random.Random) -> tuple[str, tuple[str, ...]]:
    parts = [_name(rng).capitalize() for _ in range(2)]
    whole = "".join(parts)
    return whole, (whole, whole.lower(), " ".join(parts).lower())


def _address(rng: random.Random) -> tuple[str, tuple[str, ...]]:
    whole = f"10.{_digits(rng, 2)}.{_digits(rng, 2)}.{_digits(rng, 2)}"
    return whole, (whole,)


def _phone(rng: random.Random) -> tuple[str, tuple[str, ...]]:
    area, number = _digits(rng, 3), _digits(rng, 6)
    return f"+49 {area} {number}", (f"+49 {area} {number}", f"{area} {number}", number)


def _uuid(rng: random.Random) -> tuple[str, tuple[str, ...]]:
    parts = ["".join(rng.choices("0123456789abcdef", k=n)) for n in (8, 4, 4, 4, 12)]
    whole = "-".join(parts)
    return whole, (whole, whole.upper())


def _amount(rng: random.Random) -> tuple[str, tuple[str, ...]]:
    amount = f"{_digits(rng, 1)}.{_digits(rng, 3)},{_digits(rng, 2)}"
    return f"€ {amount}", (f"€ {amount}", amount)


_IDENTIFIERS: dict[str, tuple[str, Maker]] = {
    "part": ("The camera at the gate is a {} with night vision.", _part_number),
    "error": ("During the nightly import the log shows {} for the tariff table.", _error_code),
    "invoice": ("The bill {} was paid twice by mistake.", _invoice),
    "cve": ("The gateway is affected by {} until the patch of December.", _cve),
    "version": ("Upgrade the pump controller to {} before the audit.", _version),
    "doi": ("The method is taken from {} by the group for solvents.", _doi),
    "host": ("Backups go to {} every Sunday.", _host),
    "path": ("The binary is {} and runs as root.", _path),
    "mail": ("Ask {} for the key of the store.", _mail),
    "option": ("Set the option {} in the section of limits.", _option),
    "class": ("The class {} reads the sensor.", _class),
    "address": ("The printer answers at {} only.", _address),
    "phone": ("Call the sluice at {} in an emergency.", _phone),
    "uuid": ("The trace {} ends in a timeout.", _uuid),
    "amount": ("The fine is {} plus costs.", _amount),
}
_ACCENTS = {
    "Le château d'Étretat est fermé en hiver.": ("château", "chateau", "étretat", "ETRETAT"),
    "Frau Müller aus Göhren vermietet Stege.": ("Müller", "Muller Gohren", "göhren"),
    "Die Straße nach Größling ist gesperrt.": ("Straße Größling", "strasse grössling"),
    "El señor Ibáñez guarda la piragüa.": ("Ibáñez", "ibanez", "piragua"),
    "Přístav v Děčíně otevírá v květnu.": ("Děčíně", "pristav decine"),
    "O capitão João lê a previsão.": ("capitão João", "capitao joao", "previsao"),
}
"""Sentences, and words of them with and without their accents."""
_SCRIPTS = {
    "chinese": {
        "本合同自双方签字之日起生效\uff0c有效期三年。": ("有效期三年", "双方签字"),
        "港口仓库每周一上午检查消防设备。": ("消防设备", "港口仓库"),
        "渡轮因台风停航\uff0c乘客可以退票。": ("台风停航", "退票"),
    },
    "japanese": {
        "東京湾の潮位表は毎年港湾局が発行します。": ("潮位表", "東京湾の潮位表"),
        "灯台のエレベーターは修理中です。": ("エレベーター", "灯台"),
        "冷蔵倉庫の温度は毎朝記録されます。": ("冷蔵倉庫", "温度"),
    },
    "korean": {
        "항만 관리 위원회는 회의록을 공개합니다.": ("항만 관리", "회의록"),
        "등대 엘리베이터는 수리 중입니다.": ("엘리베이터", "등대"),
        "여객선은 태풍 때문에 운항하지 않습니다.": ("여객선", "태풍"),
    },
    "thai": {
        "ท่าเรือปิดในวันอาทิตย์เพราะมีลมแรงมาก": ("ท่าเรือ", "วันอาทิตย์"),
        "ลิฟต์ของประภาคารกำลังซ่อมแซม": ("ประภาคาร", "ซ่อมแซม"),
        "อุณหภูมิห้องเย็นถูกบันทึกทุกเช้า": ("ห้องเย็น", "อุณหภูมิ"),
    },
}
_FILENAMES: dict[str, tuple[str, ...]] = {
    "zeppelin-blueprint.txt": ("zeppelin-blueprint", "zeppelin blueprint"),
    "2031_Quarry_Lease.txt": ("2031_Quarry_Lease.txt", "quarry lease"),
    "Protokoll Schleusenwärter.txt": ("Schleusenwärter", "protokoll schleusenwarter"),
    "minutes.of.the.falcon.committee.txt": ("falcon committee", "minutes falcon"),
}
_HEADINGS: dict[str, tuple[str, ...]] = {
    "Pressure relief of Boiler Quagga": ("boiler quagga pressure relief",),
    "Mooring fees for tall ships": ("tall ship mooring fee",),
    "Evacuation of the Lindqvist Tunnel": ("Lindqvist tunnel evacuation",),
}
_WORDS = {
    "Seventeen barnacles were scraped off the hull.": ("barnacle", "scraping barnacles off hulls"),
    "We rely on price-determining factors.": ("price determining", "price-determining"),
    "The skipper's licence isn't valid in Sweden.": ("skippers licence", "skipper's licence"),
    "Der Wert\u00adpapier\u00adindex fiel stark.": ("Wertpapierindex",),
    "Part \uff21\uff22\uff23\uff11\uff12\uff13 is out of stock.": ("ABC123",),
    "The o\ufb03ce of \ufb01nance moved.": ("office of finance",),
}


def planted(*, seed: int = 11) -> Planted:
    """Files and questions; equal seeds give equal ones."""
    rng = random.Random(seed)
    made = Planted()
    for number in range(_FILLERS):
        made.files[f"filler-{number}"] = (f"filler-{number}.txt", _text(rng).encode())
    _plant_identifiers(made, rng)
    _plant_sentences(made, rng, "accents", _ACCENTS)
    _plant_sentences(made, rng, "words", _WORDS)
    for script, sentences in _SCRIPTS.items():
        _plant_sentences(made, rng, script, sentences)
    for filename, queries in _FILENAMES.items():
        made.files[filename] = (filename, _text(rng).encode())
        made.ask("filename", filename, *queries)
    for heading, queries in _HEADINGS.items():
        content = f"# {heading}\n\n{_text(rng, _LONG_CHARS)}\n"
        made.files[heading] = ("report.md", content.encode())
        made.ask("heading", heading, *queries)
    return made


def _plant_identifiers(made: Planted, rng: random.Random) -> None:
    for kind, (sentence, make) in _IDENTIFIERS.items():
        for number in range(1 + _NEIGHBOURS):
            identifier, queries = make(rng)
            name = f"{kind}-{number}"
            content = _text(rng, planted=sentence.format(identifier))
            made.files[name] = (f"note-{len(made.files)}.txt", content.encode())
            made.ask("identifier", name, *queries)


def _plant_sentences(
    made: Planted, rng: random.Random, kind: str, sentences: Mapping[str, tuple[str, ...]]
) -> None:
    for number, (sentence, queries) in enumerate(sentences.items()):
        is_decomposed = kind == "accents" and number % 2 == 1
        written = unicodedata.normalize("NFD", sentence) if is_decomposed else sentence
        name = f"{kind}-{number}"
        content = _text(rng, planted=written)
        made.files[name] = (f"note-{len(made.files)}.txt", content.encode())
        made.ask(kind, name, *queries)


def _text(rng: random.Random, chars: int = _PROSE_CHARS, planted: str = "") -> str:
    """Paragraphs with about this many characters; one holds the planted sentence."""
    return "\n\n".join(_paragraphs(rng, chars, planted))


def _paragraphs(rng: random.Random, chars: int, planted: str) -> Iterator[str]:
    for _, paragraphs in prose(rng, chars, planted):
        yield from paragraphs


def read_planted(folder: Path) -> Planted:
    """Planted sentences of others, beside documents of theirs.

    Each line of ``queries.jsonl`` has ``plant`` (the document's name), ``sentence``, ``filename``,
    ``query`` and perhaps ``heading``, under which a long text holds the sentence. Where there is a
    ``cases.jsonl``, its files (``file``, ``filename``) are uploaded, too.
    """
    rng = random.Random(3)
    made = Planted()
    for number in range(_FILLERS):
        made.files[f"filler-{number}"] = (f"filler-{number}.txt", _text(rng).encode())
    cases = folder / "cases.jsonl"
    for line in cases.read_text(encoding="utf-8").splitlines() if cases.exists() else ():
        case = json.loads(line)
        content = (folder / case["file"]).read_bytes()
        made.files[f"case-{case['id']}"] = (case["filename"], content)
    for line in (folder / "queries.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        heading = row.get("heading")
        text = _text(rng, _LONG_CHARS if heading else _PROSE_CHARS, row["sentence"])
        content = f"# {heading}\n\n{text}" if heading else text
        made.files.setdefault(row["plant"], (row["filename"], content.encode()))
        made.ask("given", row["plant"], row["query"])
    return made
