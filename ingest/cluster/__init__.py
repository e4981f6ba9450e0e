"""Where it runs: the stream on Ray Data, its supervisor, and the whole system."""
