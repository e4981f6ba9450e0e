"""Settings about providers: which are used, their prices and limits, and each one's variables."""
