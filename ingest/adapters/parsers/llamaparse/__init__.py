"""LlamaParse, through its official SDK; importing it takes a second."""
