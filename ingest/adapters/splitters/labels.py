"""What splitters are called: known without loading their libraries, which takes 0.3 seconds."""


def structure_label(*, max_tokens: int, overlap_tokens: int) -> str:
    """Name, version and settings of ``StructureSplitter``; part of a chunk's id."""
    return f"structure/1:{max_tokens}+{overlap_tokens}"
