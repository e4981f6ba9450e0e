"""Dates, times and durations of a workbook: days since the end of 1899, or since 1904."""

import datetime
from collections.abc import Sequence

SERIAL_LIMIT = 2958466
"""The day after 9999-12-31, in the system of 1900."""
_FALSE_LEAP_DAY = 60
"""The system of 1900 counts a 29 February 1900, which there was not."""
_DAYS_1904 = 1462
_DAY_SECONDS = 86400


def iso_date(serial: float, *, date1904: bool) -> str:
    """The day of a serial number, such as ``2026-07-02``.

    Raises:
        OverflowError: the day is after the year 9999.
    """
    day = int(serial + 0.5 / _DAY_SECONDS) + (_DAYS_1904 if date1904 else 0)
    if day == 0:
        return "1900-01-00"
    if day == _FALSE_LEAP_DAY:
        return "1900-02-29"
    start = datetime.date(1899, 12, 31 if day < _FALSE_LEAP_DAY else 30)
    return (start + datetime.timedelta(days=day)).isoformat()


def show_time(tokens: Sequence[tuple[str, str]], serial: float) -> str:
    """Show a time or a duration by the tokens of a number format."""
    fraction = next((text for kind, text in tokens if kind == "fraction_of_second"), "")
    places = max(0, len(fraction) - 1)
    units = round(abs(serial) * _DAY_SECONDS * 10**places)
    total, part = divmod(units, 10**places)
    afternoon = any(kind == "ampm" for kind, _ in tokens)
    elapsed = next((text[0] for kind, text in tokens if kind == "elapsed"), "")
    hours, minutes, seconds = total // 3600 % 24, total // 60 % 60, total % 60
    numbers = {"h": (hours + 11) % 12 + 1 if afternoon else hours, "m": minutes, "s": seconds}
    if elapsed:
        numbers[elapsed] = total // {"h": 3600, "m": 60, "s": 1}[elapsed]
    out = ["-"] if serial < 0 and units else []
    for kind, text in tokens:
        if kind in {"date", "elapsed"}:
            out.append(str(numbers.get(text[0].lower(), "")).zfill(min(len(text), 2)))
        elif kind == "ampm":
            out.append("PM" if hours >= 12 else "AM")
        elif kind == "fraction_of_second":
            out.append("." + str(part).zfill(places))
        elif kind == "literal" or text == "/":
            out.append(text)
    return "".join(out)
