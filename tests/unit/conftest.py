"""Settings from given variables and no others."""

from collections.abc import Callable

import pytest

from crm.settings import Settings, load_settings

Environment = Callable[..., Settings]


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> Environment:
    """Loads settings from these variables and no others, without a .env."""
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)

    def load(**variables: str) -> Settings:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        return load_settings(_env_file=None)

    return load
