"""Ingest: documents in, searchable chunks out, nothing lost on the way.

Domain says what things are; stages say what is done to a document; lifecycle says when a job is
done; adapters say with whom; cluster and serve say where it runs; wiring plugs it together.
"""

__version__ = "0.1.0"
