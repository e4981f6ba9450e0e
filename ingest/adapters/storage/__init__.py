"""Storage: blobs in a folder or a bucket, backup folders, folder locks, and flushing to disk."""
