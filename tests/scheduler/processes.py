"""Schedulers and scripts as processes of their own, with nothing of this machine's settings."""

from tests.standins.sendgrid import SendGridStandIn

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
