"""``python -m benchmarks report``: writes the results as a page, and into README.md and docs/."""

import argparse

from benchmarks import page, summary
from benchmarks.report import RESULTS


def main() -> None:
    """Write both from what full runs left in benchmarks/results/."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("what", choices=["report"])
    parser.parse_args()
    found = summary.load(RESULTS)
    summary.write(found)
    target = RESULTS / "index.html"
    target.write_text(page.render(found), encoding="utf-8")
    print(f"{target}: {len(found)} benchmarks")


if __name__ == "__main__":
    main()
