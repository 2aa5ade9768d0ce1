"""The app: pages, public routes, and the drip thread's start and stop (`streamlit run app.py`)."""

from __future__ import annotations

import ipaddress
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import streamlit as st

from crm.settings import Settings, SettingsError, load_settings
from crm.web import health, unsubscribe
from db_service import connect, disconnect
from drip_scheduler import DripThread


def _settings() -> Settings:
    """Read before the server is up, so that a refusal is one line and no traceback."""
    try:
        settings = load_settings()
        _refuse_other_machines(settings)
    except SettingsError as error:
        raise SystemExit(str(error)) from None
    return settings


def _refuse_other_machines(settings: Settings) -> None:
    """Without sign-in whoever reaches the app is its admin, so it listens to this machine alone."""
    address = str(st.get_option("server.address") or "")
    if not settings.signs_in and not _is_loopback(address):
        raise SettingsError(
            f"server.address: {address or 'every address'} would let others in without signing in. "
            "Use 127.0.0.1, or set OIDC_CLIENT_ID and its companions."
        )


def _is_loopback(address: str) -> bool:
    if address == "localhost":
        return True
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


@asynccontextmanager
async def lifespan(_: st.App) -> AsyncIterator[None]:
    """Once a process: the database and the drip thread come and go with it."""
    connect(settings)
    thread = DripThread(settings)
    if settings.drip_enabled:
        thread.start()
    try:
        yield
    finally:
        thread.stop()
        disconnect()


settings = _settings()
app = st.App("crm/ui/main.py", lifespan=lifespan, routes=[*health.routes, *unsubscribe.routes])
