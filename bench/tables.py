"""The findings as Markdown tables, which read well in a terminal too."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence

from bench.findings import Findings
from bench.sending import BARE_LOOP, DJANGO, ENGINE, LATENCIES_MS, PLAIN_SENDGRID, Sent
from bench.timing import Timings

NAMES = {
    ENGINE: "**MPT-CRM engine**",
    BARE_LOOP: "(a) bare loop",
    PLAIN_SENDGRID: "(b) sendgrid package, plain",
    DJANGO: "(c) django-drip-campaigns",
}
TWO_AT_ONCE = "two " + DJANGO


def as_markdown(findings: Findings) -> str:
    """Every table that has rows."""
    machine = "; ".join(f"{name} {value}" for name, value in findings.machine.items())
    parts = [
        machine,
        _sending(findings),
        _notes(findings),
        _contacts(findings),
        _pages(findings),
        _targets(findings),
    ]
    return "\n\n".join(part for part in parts if part)


def _table(headers: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [headers, ["---"] + ["---:"] * (len(headers) - 1), *rows]
    widths = [max(len(line[n]) for line in lines) for n in range(len(headers))]
    cells = [[c.ljust(w) for c, w in zip(line, widths, strict=True)] for line in lines]
    return "\n".join(f"| {' | '.join(line)} |" for line in cells)


def _sending(findings: Findings) -> str:
    if not findings.sent:
        return ""
    headers = (
        "sending (medians)", "latency", "e-mails/s", "range", "CPU µs", "of it Postgres",
        "SQL statements", "calls", "peak MB", "requests",
    )  # fmt: skip
    return _table(
        headers,
        [
            _sending_row(program, latency, findings.of(program, latency))
            for latency in LATENCIES_MS
            for program in NAMES
            if findings.of(program, latency)
        ],
    )


def _sending_row(program: str, latency_ms: int, runs: list[Sent]) -> list[str]:
    def median(name: str) -> float:
        return statistics.median(float(getattr(run, name)) for run in runs)

    speeds = [run.a_second for run in runs]
    return [
        NAMES[program],
        f"{latency_ms} ms",
        f"{median('a_second'):,.0f}",
        f"{min(speeds):,.0f}–{max(speeds):,.0f}",
        f"{median('cpu_us'):,.0f}",
        f"{median('postgres_cpu_us'):,.0f}",
        f"{median('statements_each'):.4f}",
        f"{median('calls_each'):.4f}",
        f"{max(run.peak_memory_mb for run in runs):.0f}",
        f"{runs[0].requests:,} for {runs[0].emails:,}",
    ]


def _notes(findings: Findings) -> str:
    lines = []
    if findings.sent:
        provider = findings.median(ENGINE, 0, lambda sent: sent.provider_cpu_us)
        loads = [sent.load for sent in findings.sent]
        lines.append(
            f"The stand-in itself took {provider:.0f} µs of CPU an e-mail of the engine; "
            f"load average {min(loads):.1f} to {max(loads):.1f} while measuring."
        )
    for sent in findings.of(TWO_AT_ONCE, 0)[:1]:
        lines.append(
            f"Two runs of django-drip-campaigns at once sent {sent.doubled} of "
            f"{sent.emails - sent.doubled} e-mails twice."
        )
    if findings.django_missing:
        lines.append(f"django-drip-campaigns was not measured: {findings.django_missing}")
    return "\n".join(lines)


def _contacts(findings: Findings) -> str:
    rows = _write_rows(findings) + _list_rows(findings) + _tick_rows(findings)
    headers = ("contacts and empty ticks", "p50 or median", "p95", "worst", "runs")
    return _table(headers, rows) if rows else ""


def _write_rows(findings: Findings) -> list[list[str]]:
    writes = findings.writes
    if not writes:
        return []
    rows, added = writes[0].import_rows, writes[0].inserted

    def median(name: str) -> float:
        return statistics.median(float(getattr(write, name)) for write in writes)

    runs = str(len(writes))

    def speed(seconds: str) -> str:
        return f"{rows / median(seconds):,.0f} rows/s"

    plain, enrolling = median("insert_seconds"), median("insert_and_enroll_seconds")
    memory = max(write.import_peak_memory_mb for write in writes)
    return [
        [f"import of a file of {rows:,} rows", speed("import_seconds"), "", "", runs],
        ["… its storing alone", speed("storing_seconds"), "", "", runs],
        ["… peak memory", f"{memory:.0f} MB", "", "", runs],
        [f"INSERT of {added:,} contacts, nobody enrolled", f"{plain:.2f} s", "", "", runs],
        [f"INSERT of {added:,} contacts, all enrolled by it", f"{enrolling:.2f} s", "", "", runs],
    ]


def _list_rows(findings: Findings) -> list[list[str]]:
    if findings.lists is None:
        return []
    among = f"among {findings.crowd:,}"
    rows = [
        _timings_row(f"search by {length} characters, {among}", timings)
        for length, timings in findings.lists.search.items()
    ]
    return [
        *rows,
        _timings_row(f"first page of the list, {among}", findings.lists.first_page),
        _timings_row(f"keyset page at the far end, {among}", findings.lists.keyset_page),
    ]


def _tick_rows(findings: Findings) -> list[list[str]]:
    pairs = [
        (f"among {findings.crowd:,}", findings.empty_tick),
        (f"after {findings.processed:,} were processed", findings.empty_tick_after),
    ]
    rows = []
    for when, tick in pairs:
        if tick is not None:
            first = f"first on a connection {tick.claim.first:.1f} ms"
            rows.append(_timings_row(f"empty claim {when} ({first})", tick.claim))
            rows.append(_timings_row(f"the same through the gateway, {when}", tick.call))
    return rows


def _timings_row(what: str, timings: Timings) -> list[str]:
    figures = (timings.p50, timings.p95, timings.worst)
    shown = [f"{milliseconds:,.2f} ms" for milliseconds in figures]
    return [what, *shown, str(timings.repetitions)]


def _pages(findings: Findings) -> str:
    if findings.pages is None:
        return ""
    headers = (
        f"in a browser, among {findings.pages.contacts:,} contacts",
        *("p50", "p95", "worst", "runs", "bare SQL p50", "ratio"),
    )
    return _table(
        headers,
        [
            [
                *_timings_row(what, beside.page),
                f"{beside.bare.p50:,.2f} ms",
                f"{beside.ratio:,.0f} ×",
            ]
            for what, beside, _ in findings.pages.promised()
        ],
    )


def _targets(findings: Findings) -> str:
    marks = {True: "yes", False: "**no**", None: "–"}
    rows = [[t.what, t.found, t.wanted, marks[t.holds]] for t in findings.targets()]
    return _table(("target", "found", "wanted", "holds"), rows) if rows else ""
