"""The settings of one process: read once from the environment (or .env), nowhere else.

A malformed value raises SettingsError with one line that names the variable and says what it takes;
the value itself is never repeated, since it may be a secret.
"""

from __future__ import annotations

import os
import re
import secrets
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from crm.setting_types import (
    KEY,
    BaseAddress,
    MailAddress,
    OptionalMailAddress,
    OptionalWebAddress,
    PublicKey,
    WebAddress,
    postgres_address,
)

PROJECT_ROOT = Path(__file__).resolve().parent.parent


class SettingsError(Exception):
    """A setting is missing or malformed; the message names the variable and the fix."""


# Where directories of strangers sign in too, each with the addresses it likes.
_ANYBODYS = re.compile(r"/(common|organizations|consumers)/|//accounts\.google\.com/")

_TRUE_OR_FALSE = {"true": True, "false": False}


class Settings(BaseSettings):
    """Every setting with its default; see README for the meaning of each."""

    model_config = SettingsConfigDict(
        env_file=PROJECT_ROOT / ".env", extra="ignore", env_ignore_empty=True, frozen=True
    )

    supabase_url: OptionalWebAddress = ""
    supabase_key: SecretStr = SecretStr("")
    supabase_service_key: SecretStr = SecretStr("")
    database_url: SecretStr = SecretStr("")
    data_dir: Path = PROJECT_ROOT / ".data"

    sendgrid_api_key: SecretStr = SecretStr("")
    sendgrid_base_url: WebAddress = "https://api.sendgrid.com"
    sendgrid_webhook_public_key: PublicKey = ""
    sendgrid_inbound_public_key: PublicKey = ""

    mail_from_email: MailAddress = "hello@mpt-crm.example"
    mail_from_name: str = "Morgan at MPT"
    mail_reply_to: OptionalMailAddress = ""
    mail_postal_address: str = ""
    mail_company: str = "MPT"
    mail_website: OptionalWebAddress = ""
    mail_booking_url: OptionalWebAddress = ""

    public_url: BaseAddress = "http://127.0.0.1:8501"
    app_secret_keys: SecretStr = SecretStr("")

    drip_interval_seconds: int = Field(default=3600, ge=1, le=86_400)
    drip_batch_size: int = Field(default=1000, ge=1, le=1000)
    drip_enabled: bool = True
    drip_lease_seconds: int = Field(default=600, ge=60, le=86_400)

    oidc_client_id: str = ""
    oidc_client_secret: SecretStr = SecretStr("")
    oidc_metadata_url: OptionalWebAddress = ""
    oidc_cookie_secret: SecretStr = SecretStr("")
    # Entra ID of one tenant gives addresses without saying that they are verified.
    oidc_trust_email: bool = False
    # The name under which Supabase Auth knows the OIDC provider: google, azure, custom:…
    supabase_auth_provider: str = ""
    first_admin_email: OptionalMailAddress = ""

    trigger_webhook_secret: SecretStr = SecretStr("")
    sharepoint_site_url: OptionalWebAddress = ""
    sharepoint_tenant_id: str = ""
    sharepoint_client_id: str = ""
    sharepoint_client_secret: SecretStr = SecretStr("")

    @field_validator("drip_enabled", "oidc_trust_email", mode="before")
    @classmethod
    def _only_true_or_false(cls, value: Any) -> Any:
        if isinstance(value, str):
            if value.strip().lower() not in _TRUE_OR_FALSE:
                raise ValueError("must be true or false")
            return _TRUE_OR_FALSE[value.strip().lower()]
        return value

    @field_validator("data_dir", mode="after")
    @classmethod
    def _from_the_project(cls, value: Path) -> Path:
        """A relative folder is the project's, wherever a command was started."""
        return PROJECT_ROOT / value

    @field_validator("sendgrid_api_key", mode="after")
    @classmethod
    def _a_key(cls, value: SecretStr) -> SecretStr:
        if not KEY.fullmatch(value.get_secret_value()):
            raise ValueError("must have no spaces or unusual characters")
        return value

    @field_validator("database_url", mode="after")
    @classmethod
    def _postgres_only(cls, value: SecretStr) -> SecretStr:
        postgres_address(value.get_secret_value())
        return value

    @property
    def is_embedded(self) -> bool:
        """Neither Supabase nor a database is named: the embedded Postgres serves."""
        return not self.supabase_url and not self.database_url.get_secret_value()

    @property
    def sends_for_real(self) -> bool:
        """A key is set, so e-mail leaves the machine; otherwise it stays in the local outbox."""
        return bool(self.sendgrid_api_key.get_secret_value())

    @property
    def signs_in(self) -> bool:
        """People sign in: at the OIDC provider, or else with Supabase Auth by e-mail."""
        return bool(self.oidc_client_id or self.supabase_url)

    def secret_keys(self) -> tuple[str, ...]:
        """The keys of unsubscribe tokens: the first signs, all verify.

        Generated into DATA_DIR in embedded mode, so that links in local e-mails survive a restart.
        """
        named = tuple(
            k.strip() for k in self.app_secret_keys.get_secret_value().split(",") if k.strip()
        )
        if named:
            return named
        if not self.is_embedded:
            raise SettingsError(
                "APP_SECRET_KEYS: not set. Unsubscribe links need a key of at least 32 characters."
            )
        return (_generated_key(self.data_dir / "secret_key"),)


def _generated_key(path: Path) -> str:
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "w") as stream:
            stream.write(secrets.token_urlsafe(48))
    return path.read_text().strip()


def load_settings(**overrides: Any) -> Settings:
    """Read the environment.

    Raises:
        SettingsError: naming the first malformed variable.
    """
    try:
        settings = Settings(**overrides)
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0]).upper() if first["loc"] else "settings"
        raise SettingsError(f"{name}: {first['msg'].removeprefix('Value error, ')}.") from None
    _check_combination(settings)
    return settings


def _is_local(address: str) -> bool:
    return (urlsplit(address).hostname or "") in {"localhost", "127.0.0.1", "::1"}


def _check_combination(settings: Settings) -> None:
    real_provider = settings.sends_for_real and not _is_local(settings.sendgrid_base_url)
    if real_provider and _is_local(settings.public_url):
        raise SettingsError(
            "PUBLIC_URL: this machine only. Unsubscribe links of real e-mails must be reachable; "
            "set the address under which the app is published."
        )
    if settings.sends_for_real and not settings.mail_postal_address.strip():
        raise SettingsError(
            "MAIL_POSTAL_ADDRESS: not set. A real send needs one in its footer (CAN-SPAM); "
            "set it, or unset SENDGRID_API_KEY to keep mail in the local outbox."
        )
    _check_supabase(settings)
    if (
        settings.signs_in
        and settings.public_url.startswith("http:")
        and not _is_local(settings.public_url)
    ):
        raise SettingsError("PUBLIC_URL: must start with https:// where people sign in.")
    weak = [
        k for k in settings.app_secret_keys.get_secret_value().split(",") if 0 < len(k.strip()) < 32
    ]
    if weak:
        raise SettingsError("APP_SECRET_KEYS: every key needs at least 32 characters.")
    _check_sign_in(settings)


def _check_supabase(settings: Settings) -> None:
    if not settings.supabase_url:
        return
    if not settings.supabase_key.get_secret_value():
        raise SettingsError(
            "SUPABASE_KEY: not set, although SUPABASE_URL is. Use the publishable key."
        )
    if not (
        settings.supabase_service_key.get_secret_value() or settings.database_url.get_secret_value()
    ):
        raise SettingsError(
            "SUPABASE_SERVICE_KEY: not set. The scheduler and the public routes need the secret "
            "key, or DATABASE_URL for a direct connection."
        )


def _check_sign_in(settings: Settings) -> None:
    """Half a sign-in would open the app to other machines without one that works."""
    parts = {
        "OIDC_CLIENT_ID": settings.oidc_client_id,
        "OIDC_CLIENT_SECRET": settings.oidc_client_secret.get_secret_value(),
        "OIDC_METADATA_URL": settings.oidc_metadata_url,
        "OIDC_COOKIE_SECRET": settings.oidc_cookie_secret.get_secret_value(),
    }
    missing = [name for name, value in parts.items() if not value]
    if missing and len(missing) < len(parts):
        raise SettingsError(f"{missing[0]}: not set. Sign-in needs all of {', '.join(parts)}.")
    if not missing:
        _check_cookie(settings)
    if not missing and settings.supabase_url and not settings.supabase_auth_provider:
        raise SettingsError(
            "SUPABASE_AUTH_PROVIDER: not set. Name the OIDC provider as Supabase Auth knows it: "
            "google, azure, or custom:… for one you entered there."
        )


def _check_cookie(settings: Settings) -> None:
    """On a direct connection the signed cookie is all that says who a person is."""
    secret = settings.oidc_cookie_secret.get_secret_value()
    if len(secret) < 32:
        raise SettingsError("OIDC_COOKIE_SECRET: needs at least 32 characters.")
    if secret == settings.oidc_client_secret.get_secret_value():
        raise SettingsError("OIDC_COOKIE_SECRET: must not be OIDC_CLIENT_SECRET; others know it.")
    if settings.oidc_trust_email and _ANYBODYS.search(settings.oidc_metadata_url):
        raise SettingsError(
            "OIDC_TRUST_EMAIL: not with a provider where anybody may claim any address; "
            "use the metadata address of your own tenant."
        )
