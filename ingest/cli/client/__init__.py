"""The HTTP client with which commands call the gateway."""
