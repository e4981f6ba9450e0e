"""Reads iCalendar: events, tasks and journals as lines a person reads."""

import re
from collections.abc import Iterator

_FOLD = re.compile(r"\r?\n[ \t]")
_LINE = re.compile(r"([A-Za-z-]+)((?:;[A-Za-z-]+=(?:\"[^\"]*\"|[^\";:]*)(?:,\"[^\"]*\")*)*):(.*)")
_NAME = re.compile(r";CN=(?:\"([^\"]*)\"|([^\";:]*))", re.IGNORECASE)
_SHOWN = {
    "SUMMARY": "Summary",
    "DTSTART": "Start",
    "DTEND": "End",
    "DUE": "Due",
    "DURATION": "Duration",
    "RRULE": "Repeats",
    "LOCATION": "Location",
    "ORGANIZER": "Organizer",
    "ATTENDEE": "Attendee",
    "STATUS": "Status",
    "CATEGORIES": "Categories",
    "URL": "URL",
    "DESCRIPTION": "Description",
    "COMMENT": "Comment",
    "CONTACT": "Contact",
}
_BLOCKS = {"VEVENT", "VTODO", "VJOURNAL"}
_ESCAPED = re.compile(r"\\([\\;,nN])")
_TIME = re.compile(r"(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)(\d\d)(Z?))?")


def calendar_text(text: str) -> str:
    """Write the events of a calendar as lines; the text itself when it holds no event."""
    blocks = list(_blocks(_FOLD.sub("", text)))
    return "\n\n".join(blocks) if blocks else text


def _blocks(text: str) -> Iterator[str]:
    lines: list[str] | None = None
    inside = ""
    for raw in text.splitlines():
        found = _LINE.match(raw)
        if not found:
            continue
        name, parameters, value = found[1].upper(), found[2], found[3]
        if name == "BEGIN" and lines is None and value.strip().upper() in _BLOCKS:
            lines, inside = [], value.strip().upper()
        elif name == "END" and value.strip().upper() == inside and lines is not None:
            yield "\n".join(lines)
            lines = None
        elif lines is not None and name in _SHOWN and value.strip():
            lines.append(f"{_SHOWN[name]}: {_value(name, parameters, value)}")
    if lines:
        yield "\n".join(lines)


def _value(name: str, parameters: str, value: str) -> str:
    if name in {"DTSTART", "DTEND", "DUE"} and (time := _TIME.fullmatch(value.strip())):
        day = f"{time[1]}-{time[2]}-{time[3]}"
        zone = " UTC" if time[7] else ""
        return f"{day} {time[4]}:{time[5]}{zone}" if time[4] else day
    if name in {"ORGANIZER", "ATTENDEE"}:
        address = re.sub("^mailto:", "", value.strip(), flags=re.IGNORECASE)
        person = _NAME.search(parameters)
        shown = (person[1] or person[2] or "").strip() if person else ""
        return f"{shown} <{address}>" if shown and shown != address else address
    plain = _ESCAPED.sub(lambda m: "\n" if m[1] in "nN" else m[1], value)
    return plain.strip()
