"""Reads PDF with PDFium: lines, headings, tables, forms and comments."""
