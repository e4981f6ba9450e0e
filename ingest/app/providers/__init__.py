"""Calls to paid providers: rate limits, budgets, preflight, polling, batches."""
