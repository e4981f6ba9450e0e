"""OpenAI's embeddings and batches, through the official SDK; importing it takes a second."""
