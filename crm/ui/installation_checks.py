"""Is everything around delivery in order: database, scheduler, sign-in, the SendGrid account? Pure
judgements; no key or secret is ever part of a sentence."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from urllib.parse import urlsplit

from crm.mail.sendgrid_account import SenderDomain
from crm.records.scheduler_runs import SchedulerRun
from crm.settings import Settings
from crm.ui.delivery_checks import Check
from crm.ui.moments import Moments
from crm.ui.words import counted

# Beyond its interval a run may take so long before its silence means trouble.
_PATIENCE = timedelta(minutes=10)


def database(pending: Sequence[str] | None, *, embedded: bool, hosted: bool) -> Check:
    """`pending` are migrations not yet applied; None: nobody keeps a record of them."""
    where = "Embedded" if embedded else "Supabase" if hosted else "Postgres"
    if pending is None:
        return Check(
            "Database",
            "orange",
            f"{where}: it answers, but has no record of its migrations.",
            "Run `python scripts/check_drip_tables.py` to see whether anything is missing.",
        )
    if pending:
        missing = f"{counted(len(pending), 'change')} to its structure"
        verb = "is" if len(pending) == 1 else "are"
        return Check(
            "Database",
            "red",
            f"{where}: it answers, but {missing} {verb} missing.",
            "Run `python scripts/migrate.py`.",
        )
    return Check("Database", "green", f"{where}: it answers, and its structure is up to date.")


def scheduler(settings: Settings, last: SchedulerRun | None, moments: Moments) -> Check:
    name = "Scheduler"
    here = settings.drip_enabled
    restart = (
        "Start the app again, and look into its log if that does not help."
        if here
        else "DRIP_ENABLED is false here: run `python drip_scheduler.py --loop` on one machine, or "
        "set it to true."
    )
    if last is None:
        return Check(name, "orange", "It has not run yet.", restart)
    began = moments.ago(last.started_at)
    silence = timedelta(seconds=2 * settings.drip_interval_seconds) + _PATIENCE
    if last.started_at < moments.now - silence:
        return Check(name, "red", f"It last ran {began}, and no e-mail leaves without it.", restart)
    if last.status == "failed":
        return Check(
            name,
            "red",
            f"The last run, {began}, ended early: {last.error}",
            "Mend the cause; the campaign manager shows each run under “Runs”.",
        )
    coming = f" Next run: {moments.when(last.next_run_at)}." if last.next_run_at else ""
    return Check(name, "green", f"Last run: {began}.{coming}")


def sign_in(settings: Settings, vouched: bool | None) -> Check:
    """`vouched`: Supabase confirms addresses before people come in; None: it could not be asked."""
    name = "Sign-in"
    if not settings.signs_in:
        return Check(
            name,
            "gray",
            "The app answers this machine alone, and whoever uses it is an admin.",
        )
    if settings.oidc_client_id:
        host = urlsplit(settings.oidc_metadata_url).hostname
        return Check(name, "green", f"Through {host}; only people on the staff list come in.")
    if vouched is None:
        return Check(
            name,
            "orange",
            "With Supabase, which could not be asked whether it confirms addresses.",
            "Look in Supabase under Authentication, Sign In / Providers, Email.",
        )
    if not vouched:
        return Check(
            name,
            "red",
            "With Supabase, where anybody could sign in with somebody else's address.",
            "Turn “Confirm email” on in Supabase under Authentication, Sign In / Providers, Email.",
        )
    return Check(name, "green", "With Supabase, by e-mail; addresses are confirmed.")


def account(domains: Sequence[SenderDomain] | str, address: str) -> Check:
    """What SendGrid said of its account, or in words why it said nothing; for the sender."""
    name = "SendGrid account"
    if isinstance(domains, str):
        return Check(name, "red", domains, "Then ask again.")
    covering = [domain for domain in domains if domain.covers(address)]
    if any(domain.valid for domain in covering):
        return Check(name, "green", f"The key is good, and {covering[0].name} is authenticated.")
    if covering:
        return Check(
            name,
            "red",
            f"The key is good, but the DNS records of {covering[0].name} are not in place.",
            "In SendGrid under Settings, Sender Authentication: open the domain, add the records "
            "it shows where your DNS is kept, and press Verify.",
        )
    return Check(
        name,
        "red",
        f"The key is good, but no authenticated domain covers {address}.",
        "In SendGrid under Settings, Sender Authentication: authenticate the domain of the "
        "sender's address. Mail from any other lands in spam, if it leaves at all.",
    )
