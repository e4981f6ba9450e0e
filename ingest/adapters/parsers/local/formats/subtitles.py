"""Reads subtitles (WebVTT, SubRip): what is said, with one time for each paragraph."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape

from ingest.adapters.parsers.local.draft import Draft, clean

_TIME = r"(?:(\d+):)?(\d{1,2}):(\d{2})[.,](\d{1,3})"
_TIMING = re.compile(rf"\s*{_TIME}\s*-->\s*{_TIME}")
_NO_CUE = re.compile(r"(NOTE|STYLE|REGION|WEBVTT)\b")
_TAG = re.compile(r"</?(?:[ibuc]|v|lang|ruby|rt|font)(?:[.\s][^>]*)?>|<[\d:.]+>|\{\\[^}]*\}", re.I)
_VOICE = re.compile(r"<v(?:\.[^\s>]*)?\s+([^>]+)>", re.I)
_GAP_SECONDS = 4.0
_ROLLING_SECONDS = 0.1
_PARAGRAPH_CHARS = 600
_MOST_PARAGRAPH_CHARS = 2000
"""Captions that a machine made have no marks at the ends of sentences."""
_SENTENCE_END = (".", "!", "?", "…", "。", "！", "？", '."', ".”")


@dataclass
class _Cue:
    start: float
    """Seconds from the start."""
    end: float
    voice: str
    lines: list[str]


def parse_vtt(text: str, draft: Draft) -> None:
    """Read WebVTT; notes, styles and the ids of cues are left out."""
    _write(_cues(text, entities=True), draft)


def parse_srt(text: str, draft: Draft) -> None:
    """Read SubRip; the numbers of cues are left out."""
    _write(_cues(text, entities=False), draft)


def _cues(text: str, *, entities: bool) -> Iterator[_Cue]:
    for block in re.split(r"\n[ \t]*\n", clean(text).lstrip("\N{ZERO WIDTH NO-BREAK SPACE}")):
        lines = [line for line in block.split("\n") if line.strip()]
        timings = {
            place: found for place, line in enumerate(lines) if (found := _TIMING.match(line))
        }
        if not timings:
            if lines and not _NO_CUE.match(lines[0]):
                yield _Cue(-1.0, -1.0, "", lines)
            continue
        # Without a blank line between them, the number of the next cue stands before its time.
        for (place, timing), following in zip(
            timings.items(), [*list(timings)[1:], None], strict=True
        ):
            said = lines[place + 1 : following]
            if following is not None and said and said[-1].strip().isdigit():
                said.pop()
            yield _cue(timing, said, entities=entities)


def _cue(timing: re.Match[str], said: list[str], *, entities: bool) -> _Cue:
    parts = [int(part or 0) for part in timing.groups()]
    start, end = _seconds(*parts[:4]), _seconds(*parts[4:])
    voice = _VOICE.search("\n".join(said))
    lines = [" ".join(_TAG.sub("", line).split()) for line in said]
    if entities:
        lines = [unescape(line).replace("\xa0", " ") for line in lines]
    return _Cue(start, end, voice[1].strip() if voice else "", [line for line in lines if line])


def _seconds(hours: int, minutes: int, seconds: int, thousandths: int) -> float:
    return hours * 3600 + minutes * 60 + seconds + thousandths / 1000


def _write(cues: Iterator[_Cue], draft: Draft) -> None:
    paragraph: list[str] = []
    before: _Cue | None = None
    chars = 0
    for cue in cues:
        rolls = before is not None and abs(cue.start - before.end) < _ROLLING_SECONDS
        fresh = _without_repeats(cue.lines, before.lines) if before and rolls else cue.lines
        if _begins_paragraph(cue, before, paragraph[-1:], chars):
            draft.add(" ".join(paragraph))
            time = int(cue.start)
            stamp = f"[{time // 3600:02}:{time // 60 % 60:02}:{time % 60:02}]"
            paragraph = [stamp] if cue.start >= 0 else []
            paragraph += [f"{cue.voice}:"] if cue.voice else []
            chars = 0
        paragraph += fresh
        chars += sum(map(len, fresh))
        before = cue
    draft.add(" ".join(paragraph))


def _without_repeats(lines: list[str], before: list[str]) -> list[str]:
    """Rolling captions repeat the last lines of the cue before, above or below other lines."""
    for size in range(min(len(lines), len(before)), 0, -1):
        if lines[:size] == before[-size:] and size < max(len(lines), len(before)):
            return lines[size:]
    return lines


def _begins_paragraph(cue: _Cue, before: _Cue | None, last: list[str], chars: int) -> bool:
    if before is None or cue.voice != before.voice:
        return True
    if cue.start < 0 or cue.start - before.end > _GAP_SECONDS:
        return True
    if chars > _MOST_PARAGRAPH_CHARS:
        return True
    return chars > _PARAGRAPH_CHARS and last[0].endswith(_SENTENCE_END)
