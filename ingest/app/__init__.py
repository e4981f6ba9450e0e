"""What the system does, by capability; it knows domain and ports, and no database, Ray or HTTP."""
