"""Reads OpenDocument files (ODF 1.3): texts, spreadsheets, presentations and drawings."""

from ingest.adapters.parsers.local.formats.odf.opened_odf import parse_flat_odf, parse_odf

__all__ = ["parse_flat_odf", "parse_odf"]
