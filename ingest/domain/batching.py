"""Packs texts into embedding batches, limited by count and by tokens."""

from collections.abc import Sequence


def pack(token_counts: Sequence[int], *, max_items: int, max_tokens: int) -> list[range]:
    """Cut a sequence of texts into consecutive batches.

    Args:
        token_counts: Tokens of each text, each at most ``max_tokens``.
        max_items: Most texts in one batch.
        max_tokens: Most tokens in one batch, all its texts together.

    Returns:
        Ranges of indices, in order, without gaps; no batch is empty.

    Raises:
        ValueError: one text alone has more tokens than a batch may hold.
    """
    batches: list[range] = []
    start = tokens = 0
    for index, count in enumerate(token_counts):
        if count > max_tokens:
            raise ValueError(f"text {index} has {count} tokens, limit {max_tokens} for one batch")
        if index > start and (index - start >= max_items or tokens + count > max_tokens):
            batches.append(range(start, index))
            start, tokens = index, 0
        tokens += count
    if start < len(token_counts):
        batches.append(range(start, len(token_counts)))
    return batches


def share_out(sizes: Sequence[int], *, ways: int, most: int) -> list[range]:
    """Assign batches to workers: one each, or several small ones if there are more than workers.

    Each message to a worker has a fixed cost, so several small batches share one message.

    Args:
        sizes: Texts in each batch.
        ways: Workers in the pool.
        most: Most texts that are sent together; a batch may have more.

    Returns:
        Ranges of indices, in order, without gaps; none is empty.
    """
    each = max(1, -(-len(sizes) // max(1, ways)))
    shares: list[range] = []
    start = texts = 0
    for index, size in enumerate(sizes):
        if index > start and (index - start >= each or texts + size > most):
            shares.append(range(start, index))
            start, texts = index, 0
        texts += size
    return [*shares, range(start, len(sizes))] if sizes else []


def spread(total: int, *, ways: int, most: int, least: int) -> int:
    """Compute the batch size with which ``total`` texts keep ``ways`` workers busy.

    Args:
        total: Texts to embed.
        ways: Workers in the pool.
        most: Largest size a batch may have.
        least: Size below which splitting further costs more than it gains.
    """
    return max(1, min(most, max(least, -(-total // max(1, ways)))))
