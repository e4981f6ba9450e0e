"""Estimates the cost of documents, and the size of a system for them."""
