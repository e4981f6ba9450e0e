"""Callers and keys: JSON Web Tokens, and the keys of providers."""
