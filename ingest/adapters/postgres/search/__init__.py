"""Search, vector indexes, and which model serves a tenant."""
