"""Schedulers and scripts as processes of their own, with nothing of this machine's settings."""

from dataclasses import dataclass
from pathlib import Path

from tests.standins.sendgrid import SendGridStandIn
from tests.warm_python import Answer, WarmPython

# A search path is all a Python of ours needs of the machine around it.
_MACHINE = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8", "TZ": "UTC"}


def environment_for(
    address: str, standin: SendGridStandIn | None = None, **more: str
) -> dict[str, str]:
    """The environment of a process on this database, sending to the stand-in (or the outbox)."""
    ours = {
        "DATABASE_URL": address,
        "APP_SECRET_KEYS": "a-key-of-the-tests-with-32-characters",
        "PUBLIC_URL": "https://crm.mpt.example",
        "MAIL_POSTAL_ADDRESS": "1 Main Street, Springfield",
        # Whatever key a developer's .env may hold: nothing of a test leaves this machine.
        "SENDGRID_BASE_URL": "http://127.0.0.1:9",
    }
    if standin is not None:
        ours |= {"SENDGRID_API_KEY": standin.key, "SENDGRID_BASE_URL": standin.url}
    return _MACHINE | ours | more


@dataclass(frozen=True, slots=True)
class Command:
    """Runs a command of the project on one database; without a stand-in there is no key."""

    python: WarmPython
    address: str
    folder: Path

    def __call__(
        self, *arguments: object, database: str = "", standin: SendGridStandIn | None = None
    ) -> Answer:
        environment = environment_for(database or self.address, standin, DATA_DIR=str(self.folder))
        return self.python.run(arguments, environment)


def fails_in_one_line(answer: Answer, code: int, *words: str) -> None:
    """Ended with that code, and one line of stderr that has all these words."""
    assert answer.returncode == code, answer.stdout + answer.stderr
    assert "Traceback" not in answer.stderr
    assert len(answer.stderr.strip().splitlines()) == 1
    for word in words:
        assert word in answer.stderr
