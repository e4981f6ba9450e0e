"""From settings to working parts: one module for each purpose picks the adapters.

Stores that need the open database and nothing else are opened where they are used.
"""
