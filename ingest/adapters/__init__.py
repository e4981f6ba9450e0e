"""With whom: PostgreSQL, blob storage, the local parser and embedder."""
