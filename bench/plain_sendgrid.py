"""Measured program: the sendgrid package as its documentation shows it, one request an e-mail.

The stand-in speaks plain HTTP, which spares the package the TLS handshake of every call.
"""

from __future__ import annotations

import itertools
import time

from sendgrid import SendGridAPIClient
from sendgrid.helpers.mail import Mail

from bench.engine_run import settings_for
from bench.measuring import Job, measured, peak_memory_mb, report
from bench.prepared_mail import prepared_mails
from tests.standins.sendgrid import KEY


def main() -> None:
    job = Job.from_command_line()
    settings = settings_for(job)
    contents = [mail.finished(n) for mail in prepared_mails(settings) for n in range(10)]
    client = SendGridAPIClient(KEY, host=job.provider)
    sent = 0
    with measured(job.postmaster) as meter:
        until = time.monotonic() + job.seconds
        for sent, content in enumerate(itertools.cycle(contents), start=1):
            mail = Mail(
                from_email=settings.mail_from_email,
                to_emails=f"person{sent}@company.example",
                subject=content.subject,
                html_content=content.html,
                plain_text_content=content.text,
            )
            answer = client.send(mail)
            assert answer.status_code == 202, answer.status_code
            if time.monotonic() >= until:
                break
    report(
        emails=sent,
        wall=meter.usage.wall,
        own_cpu=meter.usage.own_cpu,
        postgres_cpu=0.0,
        statements=0,
        calls=0,
        peak_memory_mb=peak_memory_mb(),
    )


if __name__ == "__main__":
    main()
