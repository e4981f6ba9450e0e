"""Taking documents in: uploads, and bytes that are fetched from where they are."""
