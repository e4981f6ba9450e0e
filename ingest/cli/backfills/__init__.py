"""Running a backfill: estimate, progress, and the run itself."""
