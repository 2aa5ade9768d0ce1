"""The app: pages, public routes, and the drip thread's start and stop (`streamlit run app.py`)."""

from __future__ import annotations

import ipaddress
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import streamlit as st

from crm.settings import Settings, SettingsError, load_settings
from crm.web import events, health, inbound, preferences, unsubscribe
from db_service import connect, disconnect
from drip_scheduler import DripThread


def _settings() -> Settings:
    """Read before the server is up, so that a refusal is one line and no traceback."""
    try:
        settings = load_settings()
        settings.secret_keys()
        _refuse_strangers(settings)
    except SettingsError as error:
        raise SystemExit(str(error)) from None
    return settings


def _refuse_strangers(settings: Settings) -> None:
    """Whoever reaches the app is its admin as long as it has no sign-in: this machine alone."""
    if settings.signs_in:
        raise SettingsError(
            "OIDC_CLIENT_ID: this version has no sign-in yet, and half a lock is none. "
            "Unset the OIDC settings; the app then serves 127.0.0.1 only."
        )
    address = str(st.get_option("server.address") or "")
    if not _is_loopback(address):
        raise SettingsError(
            f"server.address: {address or 'every address'} would let others in without signing in. "
            "Use 127.0.0.1."
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
public = (health, unsubscribe, preferences, events, inbound)
app = st.App(
    "crm/ui/main.py",
    lifespan=lifespan,
    routes=[route for module in public for route in module.routes],
)
