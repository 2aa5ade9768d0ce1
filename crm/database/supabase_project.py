"""The Supabase project that the settings name: its database and its sign-in.

Imported only where there is one: the packages behind it double the time a command takes to start.
"""

from __future__ import annotations

from crm.database.sign_ins import SignIns
from crm.database.supabase import SupabaseDatabase
from crm.database.supabase_auth import SupabaseAuth
from crm.settings import Settings


def database(settings: Settings) -> SupabaseDatabase:
    return SupabaseDatabase(
        settings.supabase_url,
        settings.supabase_key.get_secret_value(),
        settings.supabase_service_key.get_secret_value(),
    )


def sign_ins(settings: Settings) -> SignIns:
    auth = SupabaseAuth(
        settings.supabase_url,
        settings.supabase_key.get_secret_value(),
        provider=settings.supabase_auth_provider,
    )
    return SignIns(auth)
