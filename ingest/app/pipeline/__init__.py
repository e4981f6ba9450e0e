"""The stages of a document: parse, chunk, embed."""
