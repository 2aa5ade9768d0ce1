"""The event webhook as a process of its own: serves until SIGTERM, then says what it needed.

Its job's `text` is the public key. The time there is TOLD_AT, so that runs can be compared.
"""

from __future__ import annotations

import signal
import threading
import time
from datetime import timedelta

import uvicorn
from pydantic import SecretStr
from starlette.applications import Starlette

from bench.measuring import NOW, Job, peak_memory_mb, report
from crm.settings import Settings
from crm.web import clock, events
from db_service import connect, disconnect

TOLD_AT = NOW + timedelta(days=2)


def main() -> None:
    job = Job.from_command_line()
    # The main thread alone may wait for signals; the server runs beside it.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
    setattr(clock, "now", lambda: TOLD_AT)  # noqa: B010 - a plain assignment is a type error
    connect(
        Settings(
            database_url=SecretStr(job.address),
            sendgrid_webhook_public_key=job.text,
            _env_file=None,
        )
    )
    config = uvicorn.Config(
        Starlette(routes=events.routes), port=0, log_level="error", lifespan="off"
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    report(url=f"http://127.0.0.1:{port}", memory_mb=peak_memory_mb())
    signal.sigwait({signal.SIGTERM, signal.SIGINT})
    server.should_exit = True
    thread.join()
    disconnect()
    report(memory_mb=peak_memory_mb(), cpu_seconds=time.process_time())


if __name__ == "__main__":
    main()
