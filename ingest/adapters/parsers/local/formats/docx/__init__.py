"""Reads Word documents: paragraphs, headings, lists, tables, and the parts beside the body."""

from ingest.adapters.parsers.local.formats.docx.word_document import parse_docx

__all__ = ["parse_docx"]
