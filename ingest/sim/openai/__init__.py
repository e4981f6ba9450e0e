"""OpenAI's embeddings endpoint, simulated."""
