"""What travels between stages: one row with one binary column, an envelope.

A row is a block to the dataflow, and blocks per second are its limit; so a row carries all that
goes on together, whether one document or a wave of sixty-four.
"""

import pickle
from typing import Any

import pyarrow as pa

_COLUMN = "envelope"
_SCHEMA = pa.schema([(_COLUMN, pa.large_binary())])


def seal(content: object) -> pa.Table:
    """A table of one row that holds the content."""
    return pa.Table.from_arrays(
        [pa.array([pickle.dumps(content, protocol=5)], pa.large_binary())], schema=_SCHEMA
    )


def unseal(table: pa.Table) -> Any:
    """The content of a row that ``seal`` made."""
    sealed = table[_COLUMN][0].as_buffer()
    return pickle.loads(sealed)  # noqa: S301 - written by our own actors, on Ray's own channel
