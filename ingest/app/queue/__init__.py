"""Jobs: claiming them, and how an attempt ends."""
