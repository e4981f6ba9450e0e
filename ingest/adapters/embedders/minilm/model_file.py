"""The model as an ONNX file, which is made once and kept in a folder of caches."""

import fcntl
import hashlib
import os
from pathlib import Path

from ingest.adapters.embedders.minilm import package
from ingest.domain.errors import ConfigurationError

_RECIPE = 1
"""Raise it with each change of ``graph.build``, so that no older file is read."""
_NAME = f"all-minilm-l6-v2-int8.{_RECIPE}.onnx"
_DIGEST_BYTES = 32


class ModelFile:
    """The model's bytes, behind their own SHA-256: a damaged file is made again.

    Processes that need the file at the same time wait for the first one, which makes it.
    """

    def __init__(self, folder: Path) -> None:
        """Keep the folder; create nothing yet."""
        self.path = folder / _NAME

    def read(self) -> bytes:
        """The model as bytes of an ONNX file; made in about two seconds when it is not there.

        Raises:
            ConfigurationError: the folder cannot be written, or the weights are not installed.
        """
        try:
            return self._intact() or self._make()
        except OSError as exc:
            raise ConfigurationError(
                f"INGEST_MODEL_CACHE_DIR: {str(self.path.parent)!r} cannot be used "
                f"({exc.strerror}); name another folder, or make it writable"
            ) from exc

    def _intact(self) -> bytes | None:
        """What the file holds; None when it is not there, or damaged."""
        try:
            stored = self.path.read_bytes()
        except FileNotFoundError:
            return None
        digest, model = stored[:_DIGEST_BYTES], stored[_DIGEST_BYTES:]
        return model if digest == hashlib.sha256(model).digest() else None

    def _make(self) -> bytes:
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with self.path.with_suffix(".lock").open("a", encoding="ascii") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if made := self._intact():  # by the process that had the lock before
                return made
            weights = package.weights()
            from ingest.adapters.embedders.minilm.graph import build

            model = build(weights, int8=True)
            partial = self.path.with_suffix(".partial")
            partial.write_bytes(hashlib.sha256(model).digest() + model)
            os.replace(partial, self.path)
            return model
