"""The demo's documents: this project's own documentation, in four formats."""
