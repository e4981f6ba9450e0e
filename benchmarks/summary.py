"""The figures in README.md and docs/benchmarks.md, written from the results of full runs."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

Found = Mapping[str, Mapping[str, Any]]
"""The JSON of each benchmark, by its name."""
README = Path(__file__).parents[1] / "README.md"
PAGE = Path(__file__).parents[1] / "docs" / "benchmarks.md"
_BEGIN, _END = "<!-- benchmarks: python -m benchmarks report -->\n", "<!-- end of benchmarks -->\n"
_HEAD = "| benchmark | measured | compared with |\n|---|---|---|\n"
HIGHLIGHTS = {
    "latency": "One small document is searchable {p50_ms:.0f} ms (p50) or {p95_ms:.0f} ms (p95) "
    "after its upload was sent.",
    "quota": "{actors} actors use {worst_used_ratio:.0%} of a quota at worst, among providers of "
    "15 kinds; {worst_429_share:.1%} of their requests are refused, "
    "{worst_429_share_naive:.0%} with a limiter in each actor.",
    "backfill": "A backfill of {objects:,} objects loses its driver, a worker node and the head "
    "node: {missing} documents are missing, {twice} are there twice, and the ledger equals the "
    "provider's count.",
}
"""The sentences in README.md, by benchmark, with the figures' names in braces."""


class Row:
    """A line of the table: texts with the figures' names in braces."""

    def __init__(self, about: str, measured: str, against: str) -> None:
        self.about = about
        self.measured = measured
        self.against = against

    def fill(self, found: Mapping[str, Any]) -> tuple[str, str, str]:
        """All three, with the figures of a run and of its settings."""
        figures = {**found["settings"], **found["results"]}
        return (
            self.about.format(**figures),
            self.measured.format(**figures),
            self.against.format(**figures),
        )


ROWS = {
    "latency": Row(
        "one small document, request sent → searchable",
        "p50 {p50_ms:.0f} ms, p95 {p95_ms:.0f} ms",
        "{public_p50_ms:.0f} and {public_p95_ms:.0f} ms with Ray's public settings only",
    ),
    "throughput": Row(
        "{documents} mixed files, queued → searchable",
        "{docs_per_s:.0f} documents/s, {chunks_per_s:.0f} chunks/s; {no_index_docs_per_s:.0f} and "
        "{no_index_chunks_per_s:.0f} without the HNSW index",
        "{ratio_vs_script:.2f} × ({no_index_ratio_vs_script:.2f} × without the index) the speed of "
        "a one-process script with the same libraries and no job records; {ratio_vs_copy:.2f} × "
        "the speed of COPY of the finished rows",
    ),
    "openai_path": Row(
        "{documents:,} Markdown and text files through an OpenAI-compatible API that answers at "
        "once, {dimension:,} numbers a vector",
        "queued {chunks_per_s:.0f} chunks/s and {cpu_ms_per_doc:.0f} ms of CPU a document, by "
        "`ingest upload` {http_chunks_per_s:.0f} and {http_cpu_ms_per_doc:.0f}; with the HNSW "
        "index {indexed_chunks_per_s:.0f} and {indexed_cpu_ms_per_doc:.0f}; {mb:,.0f} MB in all",
        "a plain script with token windows and COPY, without durability or search by words: "
        "{script_chunks_per_s:.0f} and {script_cpu_ms_per_doc:.0f}; with the index "
        "{indexed_script_chunks_per_s:.0f} and {indexed_script_cpu_ms_per_doc:.0f}",
    ),
    "http": Row(
        "{requests_per_s} requests/s for {seconds:.0f} s",
        "p95 {upload_p95_ms:.0f} ms for uploads, {status_p95_ms:.0f} ms for status, "
        "{errors} errors",
        "HAProxy in front: {haproxy_upload_p95_ms:.0f} and {haproxy_status_p95_ms:.0f} ms",
    ),
    "index": Row(
        "{rows:,} chunks, real vectors, {connections} connections",
        "`halfvec` {halfvec_rows_per_s:,.0f} rows/s, recall@10 {recall_halfvec:.3f}; with "
        "`ef_construction` 32 {quick_halfvec_rows_per_s:,.0f}, {recall_quick_halfvec:.3f}; `bit` "
        "{bit_rows_per_s:,.0f}, {recall_bit:.3f}; index built after "
        "the load {bulk_rows_per_s:,.0f} rows/s",
        "exact search for recall; {none_rows_per_s:,.0f} rows/s without an index; the load is "
        "{bulk_ratio_vs_copy_then_index:.2f} × as fast as COPY followed by CREATE INDEX",
    ),
    "quota": Row(
        "{actors} actors share {tokens_per_minute:,.0f} tokens a minute of providers that answer "
        "in {latency_seconds:.1f} s and count in 15 ways, {seconds:.0f} s each",
        "at least {worst_used_ratio:.1%} of the quota used, at most {worst_429_share:.2%} of the "
        "requests refused; with a bucket of a minute {used_ratio_bucket_60:.1%}, of a second "
        "{used_ratio_bucket_1:.1%}",
        "a rate limiter in each actor: at least {worst_used_ratio_naive:.1%} used, up to "
        "{worst_429_share_naive:.0%} of the requests refused",
    ),
    "batching": Row(
        "{documents:,} small documents",
        "{requests_packed} requests, {seconds_packed_with_parsing:.1f} s with parsing",
        "one request a document: {requests_per_document:,}, "
        "{seconds_per_document_embedding_alone:.0f} s",
    ),
    "reading": Row(
        "{pages} pages of PDFs ({texts} with their text in the right order, {tables} tables)",
        "words in order (NID) {nid:.3f}, tables (TEDS) {teds:.3f}, headings (MHS) {mhs:.3f}; "
        "{pages_per_cpu_s:.0f} pages a CPU second",
        "liteparse: {nid_liteparse:.3f}, {teds_liteparse:.3f}, {mhs_liteparse:.3f}, "
        "{pages_per_cpu_s_liteparse:.0f}; kreuzberg: {nid_kreuzberg:.3f}, {teds_kreuzberg:.3f}, "
        "{mhs_kreuzberg:.3f}, {pages_per_cpu_s_kreuzberg:.0f}; PDFium's plain text: "
        "{nid_pypdfium2:.3f}",
    ),
    "ocr": Row(
        "{pages} pages of prose as pictures of {dpi} dpi: as drawn, badly scanned, aslant, on "
        "their side",
        "{cer_clean:.1%}, {cer_scan:.1%}, {cer_aslant:.1%} and {cer_on_side:.1%} of the "
        "characters are wrong; {cpu_s_per_page_clean:.1f}, {cpu_s_per_page_scan:.1f}, "
        "{cpu_s_per_page_aslant:.1f} and {cpu_s_per_page_on_side:.1f} CPU seconds a page; "
        "{peak_mb:.0f} MB",
        "Tesseract alone: {cer_clean_alone:.1%}, {cer_scan_alone:.1%}, {cer_aslant_alone:.1%} and "
        "{cer_on_side_alone:.1%}; {cpu_s_per_page_clean_alone:.1f} CPU seconds",
    ),
    "embed_wire": Row(
        "vectors of 1,536 numbers",
        "{ratio_vs_sdk:.1f} × the inputs a second, {ratio_cpu_vs_sdk:.2f} × the CPU",
        "the SDK's own decoding",
    ),
    "metering": Row(
        "a request of 200 ms",
        "the rate limiter adds {lease_share:.1%}, the ledger {reservation_share:.1%}",
        "the request alone",
    ),
    "webhook": Row(
        "50 deliveries a second, each sent three times",
        "p95 {webhook_p95_ms:.0f} ms, {errors} errors",
        "{healthz_p95_ms:.0f} ms for a request without database access",
    ),
    "footprint": Row(
        "embedded system",
        "{ready_s:.0f} s from the command to the first searchable document; {pss_mb:,.0f} MB",
        "{bare_ray_pss_mb:,.0f} MB for Ray with Serve alone",
    ),
    "registration": Row(
        "{objects:,} objects of a bucket, {files:,} files of a folder",
        "{referred_per_s:,.0f} objects a second become jobs, {shared_per_s:,.0f} files of a shared "
        "folder; {unchanged_per_s:,.0f} when nothing changed",
        "{copied_per_s:,.0f} files a second when each is read and copied",
    ),
    "backfill": Row(
        "{objects:,} objects of a bucket by `ray job submit`; driver, a worker node and the head "
        "node killed",
        "{documents:,} documents, {missing} missing, {twice} twice, {docs_per_s:.0f} a second; "
        "tokens in the ledger {tokens_in_ledger:,}, at the provider {tokens_at_provider:,}",
        "{ratio_vs_undisturbed:.2f} × the speed before the first kill",
    ),
    "fairness": Row(
        "a note every 0.75 s beside two backfills that use up a quota of {tokens_per_minute:,} "
        "tokens a minute",
        "searchable after p50 {beside_p50_ms:.0f}, p95 {beside_p95_ms:.0f} ms; the slower backfill "
        "gets {ratio_between_backfills:.2f} × the other's; {http_429} refusals",
        "alone {alone_p50_ms:.0f} and {alone_p95_ms:.0f} ms: a change of {moved_pct:.0f} %",
    ),
    "backlog": Row(
        "a queue of {jobs:,} jobs",
        "a claim is found in {claim_ms_10m:.1f} ms, a job in {job_ms_10m:.1f} ms, all counts in "
        "{totals_ms_10m:.1f} ms",
        "a queue of {small}: {claim_ms_small:.1f}, {job_ms_small:.1f} and {totals_ms_small:.1f} ms",
    ),
    "scaling": Row(
        "16 embed actors, a provider that answers in {latency_seconds:.1f} s",
        "{calls_per_s_16:.0f} calls/s; the bottleneck is the {limit}",
        "{efficiency_16:.2f} × 16 times one actor's; {efficiency_8:.2f} with 8, "
        "{efficiency_4:.2f} with 4; {efficiency_16_at_1s:.2f} with 16 where it answers in "
        "{long_latency_seconds:.0f} s; {efficiency_4x4:.2f} with 4 that make 4 calls at once",
    ),
    "pools": Row(
        "an embed pool that scales from {embed_pool_min} to {embed_pool_max} actors",
        "{grown_s:.0f} s until there are {most_actors}; {shrunk_s:.0f} s until there is one again",
        "{ratio_vs_one_actor:.1f} × one actor's throughput, with the time to grow included",
    ),
    "capacity": Row(
        "the throughput that `ingest plan` predicts",
        "wrong by at most {worst_error_pct:.0f} %",
        "{runs} real runs with other pools, quotas and documents",
    ),
    "retrieval": Row(
        "{collections} test collections, asked over HTTP with the embedder `{embedder}`; planted "
        "names, numbers and words",
        "nDCG@10 is {ratio_vs_bm25:.2f} × BM25's (at worst {least_ratio_vs_bm25:.2f} ×); "
        "{planted_first_share:.0%} of the planted texts come first, "
        "{planted_in_three_share:.0%} are among the first three",
        "BM25 of a library on the same texts: {bm25_planted_first_share:.0%} of the planted texts "
        "come first; BM25 and the vectors, fused: {rrf_ratio_vs_bm25:.2f} × BM25's nDCG@10",
    ),
    "search": Row(
        "hybrid search of 10,000, 100,000 and 1,000,000 chunks, one client; the question's vector "
        "is there",
        "p95 {p95_ms_10k:.0f}, {p95_ms_100k:.0f} and {p95_ms_1m:.0f} ms; {qps_10k:.0f}, "
        "{qps_100k:.0f} and {qps_1m:.0f} questions/s",
        "two plain statements, HNSW and `ts_rank`, fused: {sql_p95_ms_10k:.0f}, "
        "{sql_p95_ms_100k:.0f} and {sql_p95_ms_1m:.0f} ms",
    ),
    "load": Row(
        "{wanted_jobs_per_hour:,} jobs an hour for {seconds:.0f} s",
        "{jobs_per_hour:,.0f} jobs an hour, p95 {api_p95_ms:.0f} ms, {error_pct:.1f} % errors",
        "the design target: p95 under 100 ms, under 1 % errors",
    ),
}


def load(folder: Path) -> Found:
    """The results of full runs, in the order of the table."""
    found = {path.stem: json.loads(path.read_text()) for path in folder.glob("*.json")}
    if unknown := found.keys() - ROWS.keys():
        raise LookupError(f"no line of the table is written for {sorted(unknown)}")
    return {name: found[name] for name in ROWS if name in found}


def table(found: Found) -> str:
    """The table of docs/benchmarks.md, in Markdown."""
    lines = [(name, *ROWS[name].fill(one)) for name, one in found.items()]
    return _HEAD + "".join(
        f"| `{name}`: {about} | {measured} | {against} |\n"
        for name, about, measured, against in lines
    )


def highlights(found: Found) -> str:
    """The list of README.md, in Markdown.

    Raises:
        LookupError: the ledger of the backfill differs from the provider's count, so the sentence
            about it is not true.
    """
    counted = found["backfill"]["results"]
    if counted["tokens_in_ledger"] != counted["tokens_at_provider"]:
        raise LookupError("the backfill's ledger and the provider's count differ")
    return "".join(
        f"* {text.format(**{**found[name]['settings'], **found[name]['results']})}\n"
        for name, text in HIGHLIGHTS.items()
    )


def write(found: Found) -> None:
    """Put both into their pages, where the last ones were."""
    for page, text in ((PAGE, table(found)), (README, highlights(found))):
        before, rest = page.read_text(encoding="utf-8").split(_BEGIN)
        _, after = rest.split(_END)
        page.write_text(f"{before}{_BEGIN}\n{text}\n{_END}{after}", encoding="utf-8")
