"""Files: blobs in a folder or a bucket, backup folders, and flushing to disk."""
