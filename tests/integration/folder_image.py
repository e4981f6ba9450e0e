"""What is in a folder: names, bytes and modes, to be compared before and after a command."""

import stat
from pathlib import Path

Image = dict[str, tuple[int, bytes]]


def image(folder: Path) -> Image:
    """Mode and bytes by relative name; of the folder itself as ``.``; of links, where they lead."""
    found = {}
    for path in (folder, *folder.rglob("*")):
        status = path.lstat()
        content = b""
        if path.is_symlink():
            content = str(path.readlink()).encode()
        elif path.is_file():
            content = path.read_bytes()
        found[path.relative_to(folder).as_posix()] = (stat.S_IMODE(status.st_mode), content)
    return found


def put(path: Path, content: bytes = b"mine") -> None:
    """A file of somebody else's, with a mode of its own."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    path.chmod(0o640)
