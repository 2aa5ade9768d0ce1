"""What keeps the app closed by default: .streamlit/config.toml, and how secrets are compared."""

from __future__ import annotations

import ast
import tomllib
from pathlib import Path
from typing import Any

import pytest
from streamlit import config

ROOT = Path(__file__).resolve().parents[2]
CONFIG: dict[str, dict[str, Any]] = tomllib.loads(
    (ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8")
)
OPTIONS = {
    f"{section}.{name}": value
    for section, options in CONFIG.items()
    for name, value in options.items()
    if not isinstance(value, dict)
}

# What each must be, and why nothing else will do stands beside it in the file.
MUST_BE: dict[str, Any] = {
    "server.address": "127.0.0.1",
    "server.headless": True,
    "server.enableCORS": True,
    "server.corsAllowedOrigins": [],
    "server.enableXsrfProtection": True,
    "server.xsrfCookieSameSite": "lax",
    "server.enableAgentApi": False,
    "server.enableStaticServing": False,
    "server.scriptHealthCheckEnabled": False,
    "server.fileWatcherType": "none",
    "server.allowRunOnSave": False,
    "server.trustedUserHeaders": "{}",
    "browser.gatherUsageStats": False,
    "client.showErrorDetails": "none",
    "client.showErrorLinks": False,
    "client.allowedOrigins": [],
    "runner.magicEnabled": False,
    "logger.level": "info",
}


@pytest.mark.parametrize("option", MUST_BE)
def test_a_setting_that_keeps_the_app_closed_is_what_it_must_be(option: str) -> None:
    assert OPTIONS[option] == MUST_BE[option]
    # Its type too: 0 is no False to whoever reads the file.
    assert type(OPTIONS[option]) is type(MUST_BE[option])


def test_hosts_are_named_and_none_of_them_is_everybody() -> None:
    hosts = OPTIONS["server.allowedHosts"]
    assert hosts
    assert not any("*" in host for host in hosts)


def test_no_secret_stands_in_the_file() -> None:
    assert "server.cookieSecret" not in OPTIONS
    assert not any("secret" in name.lower() for name in OPTIONS)


@pytest.mark.parametrize("option", OPTIONS)
def test_every_option_is_one_that_streamlit_knows(option: str) -> None:
    """It warns of an unknown one and goes on, so a slip of the pen would go unseen."""
    assert option in config.get_config_options()


SOURCES = [
    *ROOT.glob("*.py"),
    *(ROOT / "crm").rglob("*.py"),
    *(ROOT / "pages").glob("*.py"),
    *(ROOT / "scripts").glob("*.py"),
]
_SECRET_NAMES = ("secret", "token", "signature", "password", "digest", "hmac", "api_key", "nonce")
# Compared with == although it is called like a secret, and why that gives nothing away.
NOTHING_TO_LEARN = {
    ("crm/ui/sign_in.py", "exchanged[0] == _digest(token)"): (
        "whether this tab's own token is the one it had before; nobody gives either side"
    ),
    ("crm/settings.py", "secret == settings.oidc_client_secret.get_secret_value()"): (
        "whether the operator wrote the same twice, before anybody can ask"
    ),
    ("crm/ui/session.py", "identity.access_token != session.db.identity.access_token"): (
        "whether the token was renewed; both sides are the server's"
    ),
}


def _compared_plainly(source: str) -> list[str]:
    """Comparisons by == or != of something that is called like a secret."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Compare):
            continue
        if not any(isinstance(operator, ast.Eq | ast.NotEq) for operator in node.ops):
            continue
        sides = [node.left, *node.comparators]
        # Whether one is set at all is no secret.
        if any(isinstance(side, ast.Constant) and side.value in {"", None} for side in sides):
            continue
        if any(_is_called_like_a_secret(side) for side in sides):
            found.append(ast.unparse(node))
    return found


def _is_called_like_a_secret(side: ast.expr) -> bool:
    return any(word in _name_of(side).lower() for word in _SECRET_NAMES)


def _name_of(side: ast.expr) -> str:
    """What is compared, not what it hangs on: `token.type` is a type."""
    match side:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case ast.Subscript(slice=ast.Constant(value=str(name))):
            return name
        case ast.Call(func=inner) | ast.Subscript(value=inner) | ast.Await(value=inner):
            return _name_of(inner)
    return ""


def test_secrets_are_compared_in_constant_time() -> None:
    found = {
        (str(path.relative_to(ROOT)), comparison)
        for path in SOURCES
        for comparison in _compared_plainly(path.read_text(encoding="utf-8"))
    }
    assert found == set(NOTHING_TO_LEARN)


@pytest.mark.parametrize(
    "source",
    [
        "if given == settings.trigger_webhook_secret.get_secret_value(): pass",
        "ok = signature != expected",
        "ok = request.headers['x'] == csrf_token",
        "ok = hmac.new(key, body).digest() == given",
        "ok = form['token'] == expected",
    ],
)
def test_a_plain_comparison_of_a_secret_would_be_found(source: str) -> None:
    assert _compared_plainly(source)
