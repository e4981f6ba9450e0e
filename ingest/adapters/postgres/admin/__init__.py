"""The database itself: the embedded server, migrations, API keys."""
