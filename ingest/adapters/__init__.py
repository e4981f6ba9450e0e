"""The outside systems: PostgreSQL, storage, parsers, embedders, sources, authentication."""
