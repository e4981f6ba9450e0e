"""OpenAI's embeddings and batches, through the official SDK, which takes a second to load."""
