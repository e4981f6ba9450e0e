"""Text analysis: turns texts and queries into the terms that search by words compares."""
