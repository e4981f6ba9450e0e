"""Reads workbooks: the values as the sheets show them, one page for each sheet."""

from ingest.adapters.parsers.local.formats.xlsx.workbook import parse_xlsx

__all__ = ["parse_xlsx"]
