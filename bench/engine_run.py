"""Measured program: one tick of the real engine through the real sender."""

from __future__ import annotations

import logging

from bench.measuring import NOW, Job, clock_from, measured, peak_memory_mb, report
from crm.database.postgres import STATEMENTS_A_CALL
from crm.mail.sendgrid_sender import SendGridSender
from crm.settings import Settings, load_settings
from db_service import DbService, connect, disconnect
from drip_scheduler import Tick
from tests.standins.sendgrid import KEY


def settings_for(job: Job) -> Settings:
    return load_settings(
        _env_file=None,
        database_url=job.address,
        sendgrid_api_key=KEY,
        sendgrid_base_url=job.provider or "http://127.0.0.1:9",
        mail_postal_address="1 Main Street, Springfield",
        mail_website="https://mpt-crm.example",
        mail_booking_url="https://mpt-crm.example/book",
        public_url="https://crm.mpt-crm.example",
        app_secret_keys="a-key-for-benchmarks-of-32-characters",
        drip_batch_size=1000,
    )


def main() -> None:
    logging.basicConfig(level=logging.WARNING)
    job = Job.from_command_line()
    settings = settings_for(job)
    database = connect(settings).direct
    assert database
    sender = SendGridSender(settings.sendgrid_api_key.get_secret_value(), job.provider)
    with measured(job.postmaster) as meter:
        tick = Tick(DbService.for_service(), sender, settings, clock=clock_from(NOW))
        counts = tick.run()
    sender.close()
    disconnect()
    report(
        wall=meter.usage.wall,
        own_cpu=meter.usage.own_cpu,
        postgres_cpu=meter.usage.postgres_cpu,
        statements=database.statement_count,
        calls=database.statement_count / STATEMENTS_A_CALL,
        peak_memory_mb=peak_memory_mb(),
        counts=counts,
    )


if __name__ == "__main__":
    main()
