"""LlamaParse, through its official SDK, which takes a second to load."""
