"""The app: pages, public routes, and the drip thread's start and stop (`streamlit run app.py`)."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import streamlit as st
from starlette.middleware import Middleware
from streamlit import config

from crm.settings import Settings, SettingsError, load_settings
from crm.web import (
    discovery_form,
    events,
    health,
    inbound,
    preferences,
    quiet_logs,
    sign_in,
    unsubscribe,
)
from crm.web.known_hosts import KnownHosts
from crm.web.security_headers import SecurityHeaders
from crm.web.sign_in_callback import CALLBACK_PATH, RefusedSignIns
from crm.web.this_machine import ThisMachineAlone
from db_service import UNCONFIRMED, DatabaseError, DbService, connect, disconnect
from drip_scheduler import DripThread

logger = logging.getLogger(__name__)

ASK_AGAIN_SECONDS = 30


def _settings() -> Settings:
    """Read before the server is up, so that a refusal is one line and no traceback."""
    try:
        settings = load_settings()
        settings.secret_keys()
        if settings.signs_in:
            _open_to_the_public_address(settings)
        else:
            _refuse_strangers(settings)
    except SettingsError as error:
        raise SystemExit(str(error)) from None
    return settings


def _refuse_strangers(settings: Settings) -> None:
    """Whoever reaches the app is its admin as long as it has no sign-in: this machine alone."""
    if not _is_loopback(urlsplit(settings.public_url).hostname or ""):
        raise SettingsError(
            "PUBLIC_URL: published without a sign-in, the app would let everybody in as its admin. "
            "Set one up (OIDC_CLIENT_ID or SUPABASE_URL)."
        )
    address = str(st.get_option("server.address") or "")
    if not _is_loopback(address):
        raise SettingsError(
            f"server.address: {address or 'every address'} would let others in without signing in. "
            "Use 127.0.0.1, or set up a sign-in (OIDC_CLIENT_ID or SUPABASE_URL)."
        )


def _is_loopback(address: str) -> bool:
    if address == "localhost":
        return True
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def _open_to_the_public_address(settings: Settings) -> None:
    """Streamlit takes connections under the hosts it is told and no other; also from pages under
    that host where a proxy hides it (browser.serverAddress)."""
    host = urlsplit(settings.public_url).hostname or ""
    allowed = st.get_option("server.allowedHosts") or ["127.0.0.1", "localhost"]
    config.set_option("server.allowedHosts", sorted({*allowed, host}))
    config.set_option("browser.serverAddress", host)
    if settings.oidc_client_id:
        # What a sign-in needs between its two halves must be readable by every process of the app.
        secret = settings.oidc_cookie_secret.get_secret_value()
        config.set_option("server.cookieSecret", secret)


def _secrets(settings: Settings) -> dict[str, Any] | None:
    """The OIDC provider, as st.login wants it."""
    if not settings.oidc_client_id:
        return None
    return {
        "auth": {
            "redirect_uri": f"{settings.public_url}{CALLBACK_PATH}",
            "cookie_secret": settings.oidc_cookie_secret.get_secret_value(),
            "client_id": settings.oidc_client_id,
            "client_secret": settings.oidc_client_secret.get_secret_value(),
            "server_metadata_url": settings.oidc_metadata_url,
            "expose_tokens": ["id", "access"],
        }
    }


async def _invite_first_admin(address: str) -> None:
    """As soon as the database answers, which must not hold up the start."""
    while True:
        try:
            if not await asyncio.to_thread(connect().vouches_for_addresses):
                logger.error("FIRST_ADMIN_EMAIL is not invited: %s", UNCONFIRMED)
                return
            people = DbService.for_service().people
            now = datetime.now(UTC)
            if await asyncio.to_thread(people.invite_first_admin, address, now=now):
                logger.info("FIRST_ADMIN_EMAIL is invited as admin")
            return
        except DatabaseError as error:
            logger.warning("FIRST_ADMIN_EMAIL is not invited yet: %s", type(error).__name__)
            if error.permanent:
                return
        await asyncio.sleep(ASK_AGAIN_SECONDS)


@asynccontextmanager
async def lifespan(_: st.App) -> AsyncIterator[None]:
    """Once a process: the database and the drip thread come and go with it."""
    quiet_logs.quieten()
    connect(settings)
    thread = DripThread(settings)
    if settings.drip_enabled:
        thread.start()
    first_admin = asyncio.create_task(_first_admin())
    try:
        yield
    finally:
        first_admin.cancel()
        thread.stop()
        disconnect()


async def _first_admin() -> None:
    if settings.signs_in and settings.first_admin_email:
        await _invite_first_admin(settings.first_admin_email)


settings = _settings()
public = (health, unsubscribe, preferences, discovery_form, events, inbound, sign_in)
app = st.App(
    "crm/ui/main.py",
    secrets=_secrets(settings),
    lifespan=lifespan,
    routes=[route for module in public for route in module.routes],
    middleware=[
        *([] if settings.signs_in else [Middleware(ThisMachineAlone)]),
        Middleware(SecurityHeaders, public_url=settings.public_url),
        Middleware(KnownHosts, hosts=st.get_option("server.allowedHosts")),
        Middleware(RefusedSignIns),
    ],
)
