"""Measured program: the django-drip-campaigns package, run by the Python of its own environment.

With `rows` of the job the database is only prepared: so many users, all due for one drip whose HTML
is `text`. The e-mail backend is the fastest plain one: a single connection that is kept open.
"""

from __future__ import annotations

from typing import Any

import django  # type: ignore[import-not-found]
import httpx
from django.conf import settings  # type: ignore[import-not-found]
from django.core.mail.backends.base import BaseEmailBackend  # type: ignore[import-not-found]
from django.core.management import call_command  # type: ignore[import-not-found]
from psycopg.conninfo import conninfo_to_dict

from bench.measuring import Job, measured, peak_memory_mb, report

KEY = "SG.stand-in.key"
SUBJECT = "A word for {{ user.first_name }}"


class StandInBackend(BaseEmailBackend):  # type: ignore[misc]
    """Posts each message to SendGrid's API over one connection that is kept open."""

    client: httpx.Client

    def send_messages(self, messages: list[Any]) -> int:
        for message in messages:
            self.client.post("/v3/mail/send", json=_payload(message)).raise_for_status()
        return len(messages)


def _payload(message: Any) -> dict[str, Any]:
    contents = [{"type": "text/plain", "value": message.body}]
    contents += [{"type": kind, "value": text} for text, kind in message.alternatives]
    (address,) = message.to
    return {
        # The same recipient of the same e-mail counts as the same send: doubles become visible.
        "personalizations": [
            {"to": [{"email": address}], "custom_args": {"send_id": address.partition("@")[0]}}
        ],
        "from": {"email": message.from_email},
        "subject": message.subject,
        "content": contents,
    }


def _configure(address: str) -> None:
    where = conninfo_to_dict(address)
    settings.configure(
        SECRET_KEY="bench",
        USE_TZ=True,
        DEFAULT_AUTO_FIELD="django.db.models.AutoField",
        INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "drip"],
        DEFAULT_FROM_EMAIL="hello@mpt-crm.example",
        TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates"}],
        EMAIL_BACKEND=f"{__name__}.StandInBackend",
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.postgresql",
                "NAME": where["dbname"],
                "USER": where["user"],
                "HOST": where["host"],
            }
        },
    )
    django.setup()


def _prepare(users: int) -> None:
    """Tables, and users who are due whenever a drip asks for them."""
    from django.contrib.auth.models import User  # type: ignore[import-not-found]

    call_command("migrate", verbosity=0)
    User.objects.bulk_create(
        User(username=f"user{n}", first_name=f"Name {n}", email=f"user{n}@company.example")
        for n in range(1, users + 1)
    )


def _one_drip(users: int, html: str) -> None:
    """One enabled drip whose rule finds every user."""
    from drip.models import Drip, QuerySetRule  # type: ignore[import-not-found]

    drip = Drip.objects.create(
        name="Bench", subject_template=SUBJECT, body_html_template=html, enabled=True
    )
    QuerySetRule.objects.create(
        drip=drip, field_name="id", lookup_type="lte", field_value=str(users)
    )


class _Counter:
    """Counts what goes through Django's database cursor."""

    statements = 0

    def __call__(self, execute: Any, *arguments: Any) -> Any:
        self.statements += 1
        return execute(*arguments)


def _send(job: Job) -> None:
    from django.db import connection  # type: ignore[import-not-found]

    StandInBackend.client = httpx.Client(
        base_url=job.provider, headers={"Authorization": f"Bearer {KEY}"}, trust_env=False
    )
    counter = _Counter()
    with connection.execute_wrapper(counter), measured(job.postmaster) as meter:
        call_command("send_drips")
    StandInBackend.client.close()
    report(
        wall=meter.usage.wall,
        own_cpu=meter.usage.own_cpu,
        postgres_cpu=meter.usage.postgres_cpu,
        statements=counter.statements,
        calls=counter.statements,
        peak_memory_mb=peak_memory_mb(),
    )


def main() -> None:
    job = Job.from_command_line()
    _configure(job.address)
    if job.rows:
        _prepare(job.rows)
        _one_drip(job.rows, job.text)
        report(prepared=job.rows)
    else:
        _send(job)


if __name__ == "__main__":
    main()
