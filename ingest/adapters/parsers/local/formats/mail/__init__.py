"""Parts of the reader of mail."""
