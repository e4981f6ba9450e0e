"""Recognizes the text of scanned pages and of pictures (OCR), without a service.

The packages of the extra ``ocr`` are imported when the first picture comes, and nowhere else.
"""
