"""Taking a backup, and restoring one."""
