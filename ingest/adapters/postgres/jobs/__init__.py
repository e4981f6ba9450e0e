"""The queue: jobs, events, workers, pauses, limits, counters."""
