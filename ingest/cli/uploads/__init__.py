"""Uploading files: selection, transfer, progress, summary."""
