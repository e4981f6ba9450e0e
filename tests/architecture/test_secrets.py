"""No key of anybody's is in the repository."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
KINDS = {
    "AWS access key": r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b",
    "OpenAI key": r"\bsk-(?:proj-|svcacct-|admin-)?[A-Za-z0-9_]{32,}",
    "LlamaCloud key": r"\bllx-[A-Za-z0-9]{32,}",
    "GitHub token": r"\b(?:gh[pousr]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9_]{60,})",
    "GitLab token": r"\bglpat-[A-Za-z0-9_-]{20,}",
    "Slack token": r"\bxox[abprs]-[A-Za-z0-9-]{20,}",
    "Google key": r"\bAIza[A-Za-z0-9_-]{35}",
    "Stripe-like key": r"\b[rs]k_live_[A-Za-z0-9]{20,}",
    "webhook secret": r"\bwhsec_[A-Za-z0-9+/]{32,}",
    "API key of ours": r"\bing_[A-Za-z0-9_-]{43}\b",
    "private key": r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----",
    "JSON web token": r"\beyJ[A-Za-z0-9_-]{15,}\.eyJ[A-Za-z0-9_-]{15,}\.[A-Za-z0-9_-]{20,}",
}
PLANTED = {
    "AWS access key": "AKIA" + "Q7" * 8,
    "OpenAI key": "sk-" + "proj-" + "aB3" * 12,
    "LlamaCloud key": "llx-" + "aB3" * 12,
    "GitHub token": "ghp_" + "aB3" * 12,
    "GitLab token": "glpat-" + "aB3" * 8,
    "Slack token": "xoxb-" + "12a-" * 8,
    "Google key": "AIza" + "aB3_x" * 7,
    "Stripe-like key": "sk_" + "live_" + "aB3" * 8,
    "webhook secret": "whsec_" + "aB3+" * 9,
    "API key of ours": "ing_" + "a" * 43,
    "private key": "-----BEGIN " + "RSA PRIVATE KEY-----",
    "JSON web token": ".".join(["eyJ" + "a1" * 10, "eyJ" + "b2" * 10, "c3" * 15]),
}


def test_no_file_holds_a_secret() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    files = [ROOT / name for name in listed.stdout.decode().split("\0") if name]
    found = [
        (str(path.relative_to(ROOT)), kind)
        for path in files
        if path.is_file()
        for kind, pattern in KINDS.items()
        if re.search(pattern, path.read_text(encoding="utf-8", errors="replace"))
    ]

    assert len(files) > 100
    assert found == []


@pytest.mark.parametrize("kind", KINDS)
def test_a_secret_would_be_found(kind: str) -> None:
    assert re.search(KINDS[kind], f"key = '{PLANTED[kind]}'")
