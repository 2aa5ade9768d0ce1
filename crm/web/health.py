"""GET /health for monitors: whether the database answers, and how the scheduler fares.

It names no contact and no address, and needs no sign-in.
"""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from db_service import DatabaseError, DbService


def _report() -> dict[str, object]:
    runs = DbService.for_service().scheduler_runs.latest(limit=1)
    if not runs:
        return {"status": "ok", "last_run": None}
    last = runs[0]
    return {
        "status": "ok",
        "last_run": {
            "status": last.status,
            "started_at": last.started_at.isoformat(),
            "finished_at": last.finished_at.isoformat() if last.finished_at else None,
            "next_run_at": last.next_run_at.isoformat() if last.next_run_at else None,
        },
    }


async def health(_: Request) -> JSONResponse:
    """200 with the last run (times in UTC); 503 when the database does not answer."""
    try:
        report = await run_in_threadpool(_report)
    except DatabaseError:
        return JSONResponse({"status": "database unreachable"}, status_code=503)
    return JSONResponse(report, headers={"Cache-Control": "no-store"})


# Methods stand here by name: any other would answer with the app's own HTML.
routes = [Route("/health", health, methods=["GET", "HEAD"])]
