"""The person the app acts as on 127.0.0.1 while no sign-in is configured: a local admin."""

from __future__ import annotations

import psycopg

from crm.database.errors import translate

LOCAL_ADMIN_ID = "00000000-0000-0000-0000-000000000001"


def ensure_local_admin(address: str) -> None:
    """Make sure the local admin's profile exists. Needs the database owner's connection."""
    try:
        with psycopg.connect(address, autocommit=True, connect_timeout=5) as connection:
            connection.execute(
                # Retired when an admin first signed in; needed again without sign-in.
                "insert into public.profiles as p (id, email, full_name, role)"
                " values (%s, 'admin@localhost', 'Local admin', 'admin')"
                " on conflict (id) do update set active = true where not p.active",
                (LOCAL_ADMIN_ID,),
            )
    except psycopg.Error as error:
        raise translate(error) from error
