"""Memory of groups of processes."""

from collections.abc import Iterable

import psutil

_MB = 1e6


def proportional_mb(processes: Iterable[psutil.Process]) -> float:
    """Proportional set size in MB: shared pages count once, spread over their users."""
    total = 0
    for process in processes:
        try:
            total += process.memory_full_info().pss
        except psutil.NoSuchProcess:
            continue
    return float(total / _MB)
