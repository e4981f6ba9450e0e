"""One file for each command; a file has the name of its command."""
