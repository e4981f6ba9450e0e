"""LlamaParse's files and parse endpoints (v2), simulated."""
