"""Settings: read once, refused in one line that names the variable and never repeats the value."""

from pathlib import Path

import pytest

from crm.drip.compile import bind_shared, compile_template
from crm.drip.render import Renderer
from crm.mail.unsubscribe_tokens import unsubscribe_url
from crm.settings import PROJECT_ROOT, Settings, SettingsError, load_settings
from tests.unit.conftest import Environment
from tests.unit.test_template_sandbox import LAYOUT, source_of

PUBLISHED = "https://crm.mpt.example"
STRONG = "a-strong-key-of-thirty-two-letters"

_PUBLIC_KEY = (
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEA43sIZF1US9wic0FIv3+at7DTU"
    "hwHajmrgGWurjLJo69X1vbvlr4w1KWC5OVpSU2c8/GrJFAJLuFia7VGLIFrw=="
)
_NO_PUBLIC_KEYS = (
    "no key",
    "schlüssel",
    "bm8ga2V5IGF0IGFsbA==",
    _PUBLIC_KEY[:-8],
    f"-----BEGIN PUBLIC KEY-----{_PUBLIC_KEY}-----END PUBLIC KEY-----",
)

MALFORMED = {
    "DRIP_ENABLED": ("maybe", "1", "yes", "on", "0"),
    "OIDC_TRUST_EMAIL": ("perhaps", "1"),
    "FIRST_ADMIN_EMAIL": ("nobody", "a@mpt.example, b@mpt.example"),
    "DRIP_INTERVAL_SECONDS": ("hourly", "0", "-5", "86401", "1.5", "nan"),
    "DRIP_BATCH_SIZE": ("many", "0", "1001", "1e3"),
    "DRIP_LEASE_SECONDS": ("long", "59", "86401"),
    "DATABASE_URL": (
        "mysql://user:secret@host/db",
        "just-a-name",
        "postgresql://host/db?connect_timeout=long",
        "postgresql://host/db?connect_timeout=0",
    ),
    "SUPABASE_URL": ("project.supabase.example", "ftp://project.supabase.example"),
    "SENDGRID_BASE_URL": (
        "api.sendgrid.example",
        "https:///v3",
        "https://user:secret@host.example",
        "https://host.example:port",
    ),
    "SENDGRID_API_KEY": ("SG.two words", "SG.schlüssel", "SG.line\nbreak"),
    "SENDGRID_WEBHOOK_PUBLIC_KEY": _NO_PUBLIC_KEYS,
    "SENDGRID_INBOUND_PUBLIC_KEY": _NO_PUBLIC_KEYS,
    "PUBLIC_URL": (
        "crm.example",
        "https://crm example",
        "https://crm.example/<path>",
        "https://crm.example/?a=1&b=2",
        "https://künstler.example",
        "http:///app",
    ),
    "MAIL_FROM_EMAIL": ("nobody", "Morgan <m@mpt.example>", "a@b", "a@mpt.example, b@mpt.example"),
    "MAIL_REPLY_TO": ("nobody", "two words@mpt.example"),
    "MAIL_WEBSITE": ("www.mpt.example", "javascript:alert(1)"),
    "MAIL_BOOKING_URL": ("mpt.example/book",),
    "OIDC_METADATA_URL": ("login.example",),
    "SHAREPOINT_SITE_URL": ("sharepoint",),
    "APP_SECRET_KEYS": ("weak", f"{STRONG},weak"),
}
_CASES = [(name, value) for name, values in MALFORMED.items() for value in values]

# What has to be set beside a variable for it to be judged at all.
_COMPANIONS = {
    "SENDGRID_API_KEY": {"MAIL_POSTAL_ADDRESS": "1 Main Street", "PUBLIC_URL": PUBLISHED},
    "SUPABASE_URL": {"SUPABASE_KEY": "publishable", "SUPABASE_SERVICE_KEY": "secret"},
}


@pytest.mark.parametrize(("name", "value"), _CASES)
def test_a_malformed_value_is_refused_in_one_line_that_names_the_variable(
    environment: Environment, name: str, value: str
) -> None:
    with pytest.raises(SettingsError) as refused:
        environment(**_COMPANIONS.get(name, {}), **{name: value})
    words = str(refused.value)
    assert words.startswith(f"{name}: ")
    assert "\n" not in words
    assert len(words) > len(name) + 10
    # A value of one or two characters may stand in the words by chance.
    assert len(value) < 4 or value not in words


def test_a_secret_is_not_shown_where_settings_are_printed(environment: Environment) -> None:
    secret = "SG.do-not-show-this-anywhere"
    settings = environment(
        SENDGRID_API_KEY=secret,
        MAIL_POSTAL_ADDRESS="1 Main Street",
        PUBLIC_URL=PUBLISHED,
        DATABASE_URL=f"postgresql://u:{secret}@host/db",
        APP_SECRET_KEYS=STRONG,
        SUPABASE_SERVICE_KEY=secret,
    )
    shown = f"{settings!r} {settings} {settings.model_dump()}"
    assert secret not in shown
    assert STRONG not in shown


@pytest.mark.parametrize("name", ["SENDGRID_WEBHOOK_PUBLIC_KEY", "SENDGRID_INBOUND_PUBLIC_KEY"])
def test_a_public_key_is_taken_as_the_provider_shows_it(
    environment: Environment, name: str
) -> None:
    assert getattr(environment(**{name: _PUBLIC_KEY}), name.lower()) == _PUBLIC_KEY


def test_nothing_set_means_an_embedded_database_and_the_local_outbox(
    environment: Environment,
) -> None:
    settings = environment()
    assert (settings.is_embedded, settings.sends_for_real, settings.signs_in) == (
        True,
        False,
        False,
    )
    assert (settings.drip_interval_seconds, settings.drip_batch_size) == (3600, 1000)
    assert settings.drip_enabled is True
    assert settings.data_dir == PROJECT_ROOT / ".data"
    assert settings.sendgrid_base_url == "https://api.sendgrid.com"


def test_an_empty_value_means_not_set(environment: Environment) -> None:
    settings = environment(DATABASE_URL="", DRIP_INTERVAL_SECONDS="", PUBLIC_URL="")
    assert settings.is_embedded
    assert settings.drip_interval_seconds == 3600
    assert settings.public_url == "http://127.0.0.1:8501"


@pytest.mark.parametrize(
    ("text", "meant"), [("true", True), ("True", True), ("false", False), (" FALSE ", False)]
)
def test_true_and_false_are_read_in_any_case(
    environment: Environment, text: str, meant: bool
) -> None:
    assert environment(DRIP_ENABLED=text).drip_enabled is meant


def test_a_slash_at_the_end_of_an_address_makes_no_difference(environment: Environment) -> None:
    assert environment(PUBLIC_URL="https://crm.mpt.example/").public_url == (
        "https://crm.mpt.example"
    )


def test_a_relative_data_folder_is_the_projects_wherever_a_command_is_started(
    environment: Environment, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    assert environment(DATA_DIR=".data").data_dir == PROJECT_ROOT / ".data"
    assert environment(DATA_DIR=str(tmp_path)).data_dir == tmp_path


@pytest.mark.parametrize("postal", ["", "   "])
def test_a_real_send_without_a_postal_address_is_refused(
    environment: Environment, postal: str
) -> None:
    real = {"SENDGRID_API_KEY": "SG.key", "PUBLIC_URL": PUBLISHED}
    with pytest.raises(SettingsError, match=r"^MAIL_POSTAL_ADDRESS: not set"):
        environment(**real, MAIL_POSTAL_ADDRESS=postal)
    assert environment(**real, MAIL_POSTAL_ADDRESS="1 Main Street").sends_for_real


@pytest.mark.parametrize("local", ["http://127.0.0.1:8501", "http://localhost", "http://[::1]:80"])
def test_a_real_send_with_unsubscribe_links_to_this_machine_is_refused(
    environment: Environment, local: str
) -> None:
    real = {"SENDGRID_API_KEY": "SG.key", "MAIL_POSTAL_ADDRESS": "1 Main Street"}
    with pytest.raises(SettingsError, match=r"^PUBLIC_URL: this machine only"):
        environment(**real, PUBLIC_URL=local)
    at_a_stand_in = environment(**real, PUBLIC_URL=local, SENDGRID_BASE_URL="http://127.0.0.1:8025")
    assert at_a_stand_in.sends_for_real


def test_supabase_without_its_key_is_refused(environment: Environment) -> None:
    with pytest.raises(SettingsError, match=r"^SUPABASE_KEY: not set"):
        environment(
            SUPABASE_URL="https://project.supabase.example",
            DATABASE_URL="postgresql://u@127.0.0.1/db",
        )


def test_supabase_needs_a_way_for_the_scheduler(environment: Environment) -> None:
    project = {"SUPABASE_URL": "https://project.supabase.example", "SUPABASE_KEY": "publishable"}
    with pytest.raises(SettingsError, match=r"^SUPABASE_SERVICE_KEY: not set"):
        environment(**project)
    over_rest = environment(**project, SUPABASE_SERVICE_KEY="secret")
    assert (over_rest.is_embedded, over_rest.signs_in) == (False, True)
    assert environment(**project, DATABASE_URL="postgresql://u@127.0.0.1/db").signs_in


def test_the_first_secret_key_signs_and_all_are_kept(environment: Environment) -> None:
    settings = environment(APP_SECRET_KEYS=f"new-{STRONG}, old-{STRONG},")
    assert settings.secret_keys() == (f"new-{STRONG}", f"old-{STRONG}")


def test_a_named_database_needs_named_secret_keys(environment: Environment) -> None:
    settings = environment(DATABASE_URL="postgresql://host/db")
    with pytest.raises(SettingsError, match=r"^APP_SECRET_KEYS: not set"):
        settings.secret_keys()


def test_the_embedded_database_comes_with_a_generated_key_that_stays(
    environment: Environment, tmp_path: Path
) -> None:
    settings = environment(DATA_DIR=str(tmp_path / "fresh"))
    key = settings.secret_keys()
    assert len(key[0]) >= 32
    assert settings.secret_keys() == key
    stored = tmp_path / "fresh" / "secret_key"
    assert stored.stat().st_mode & 0o077 == 0


def test_a_value_may_come_from_an_env_file_and_the_environment_wins(
    environment: Environment, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    environment()
    file = tmp_path / ".env"
    file.write_text("DRIP_BATCH_SIZE=50\nDRIP_INTERVAL_SECONDS=60\nUNRELATED=1\n")
    monkeypatch.setenv("DRIP_BATCH_SIZE", "70")
    settings = load_settings(_env_file=file)
    assert (settings.drip_batch_size, settings.drip_interval_seconds) == (70, 60)


def test_settings_do_not_change_once_read(environment: Environment) -> None:
    settings = environment()
    with pytest.raises(ValueError, match="frozen"):
        setattr(settings, "drip_batch_size", 1)  # noqa: B010 - mypy refuses it as well


def _example() -> dict[str, str]:
    lines = (PROJECT_ROOT / ".env.example").read_text().splitlines()
    pairs = [line.partition("=") for line in lines if line.strip() and not line.startswith("#")]
    return {name: value for name, _, value in pairs}


def test_the_example_file_names_every_setting_and_no_other() -> None:
    assert set(_example()) == {name.upper() for name in Settings.model_fields}


def test_the_example_file_shows_the_defaults(environment: Environment) -> None:
    defaults = environment()
    copied = environment(**_example())
    assert copied == defaults


def test_a_published_address_with_a_path_makes_links_that_render(environment: Environment) -> None:
    settings = environment(PUBLIC_URL="https://crm.example/team+a/(crm)!")
    sender = {"name": "Mo", "email": "mo@example.com", "postal_address": "1 Quay Street"}
    compiled = bind_shared(compile_template(source_of("Hello."), LAYOUT), sender)
    link = unsubscribe_url(settings.public_url, "token")
    assert Renderer(compiled).values({}, link) == [link]
