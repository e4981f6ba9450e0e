"""Reports for a terminal: jobs, status, search hits, plans."""
