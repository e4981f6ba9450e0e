"""The names in the root folder of an OLE compound file (MS-CFB)."""

import struct

_MAX_DIRECTORY_SECTORS = 4096
_ENTRY_BYTES = 128
_HEADER_FAT_SECTORS = 109
_NO_ENTRY = 0xFFFFFFFF
_MAX_SECTOR = 0xFFFFFFFA


def root_names(data: bytes) -> frozenset[str]:
    """Names of the streams and folders in the root; none when the file is damaged.

    What lies in embedded objects is left out, because it does not say what the file is.
    """
    try:
        return frozenset(_names(_directory(data)))
    except (struct.error, IndexError, ValueError):
        return frozenset()


def _directory(data: bytes) -> bytes:
    (shift,) = struct.unpack_from("<H", data, 30)
    if shift not in {9, 12}:
        raise ValueError("no sector size")
    size = 1 << shift
    (sector,) = struct.unpack_from("<I", data, 48)
    fat_sectors = struct.unpack_from(f"<{_HEADER_FAT_SECTORS}I", data, 76)
    out: list[bytes] = []
    while sector < _MAX_SECTOR and len(out) < _MAX_DIRECTORY_SECTORS:
        start = (sector + 1) * size
        out.append(data[start : start + size])
        index, place = divmod(sector, size // 4)
        if index >= _HEADER_FAT_SECTORS:
            break  # a file of over 7 MB whose directory is at its end; its start is enough
        (sector,) = struct.unpack_from("<I", data, (fat_sectors[index] + 1) * size + place * 4)
    return b"".join(out)


def _names(directory: bytes) -> set[str]:
    """Walk over the tree of the root's children; left and right are siblings."""
    (child,) = struct.unpack_from("<I", directory, 76)
    waiting, seen, names = [child], set(), set()
    while waiting:
        entry = waiting.pop()
        start = entry * _ENTRY_BYTES
        if entry == _NO_ENTRY or entry in seen or start + _ENTRY_BYTES > len(directory):
            continue
        seen.add(entry)
        (length,) = struct.unpack_from("<H", directory, start + 64)
        names.add(directory[start : start + max(0, min(length, 64) - 2)].decode("utf-16-le"))
        waiting += struct.unpack_from("<II", directory, start + 68)
    return names
