"""Verifies JSON Web Tokens, and reads the keys of providers."""
