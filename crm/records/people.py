"""Staff: who they are, who is invited, and coming in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from crm.database.gateway import Filter, Gateway
from crm.records.rows import columns_of, records_from


@dataclass(frozen=True, slots=True)
class Person:
    """A colleague, as others may see them."""

    id: str
    full_name: str
    role: str
    active: bool
    time_zone: str


@dataclass(frozen=True, slots=True)
class Colleague:
    """A colleague, as admins see them. `email` is None once a former colleague's address was freed;
    `created_at` is when they joined, aware UTC."""

    id: str
    full_name: str
    email: str | None
    phone: str
    role: str
    active: bool
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Invitation:
    """An address that may join. `invited_by` is a colleague's id, None if the installation itself
    invited its first admin or the colleague is gone; `invited_at` is aware UTC."""

    email: str
    full_name: str
    role: str
    invited_by: str | None
    first_admin: bool
    invited_at: datetime


class PeopleRecords:
    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def join(self, *, now: datetime) -> str:
        """The signed-in person comes in: "known", "joined" (an invitation was accepted),
        "not_invited", "unverified" (nobody vouches for the address), "address_taken" (by a
        colleague who signs in otherwise) or "inactive"."""
        return str(self._gateway.call("join_staff", p_now=now))

    def may_sign_in(self, email: str) -> bool:
        """Is it an active colleague's address, or that of somebody invited? (The service asks.)"""
        return bool(self._gateway.call("may_sign_in", p_email=email))

    def invite_first_admin(self, email: str, *, now: datetime) -> bool:
        """For the installation itself, at each start. True if the address is invited as admin now.

        False if there is an admin, the local one aside, or if the address is a colleague's: while
        there was no admin, an active colleague became one by this call.
        """
        return bool(self._gateway.call("invite_first_admin", p_email=email, p_now=now))

    def active(self) -> list[Person]:
        rows = self._gateway.select(
            "profiles", columns=columns_of(Person), where={"active": True}, order=["full_name"]
        )
        return records_from(Person, rows)

    def get(self, person_id: str) -> Person | None:
        rows = self._gateway.select("profiles", columns=columns_of(Person), where={"id": person_id})
        found = records_from(Person, rows)
        return found[0] if found else None

    def directory(self) -> list[Colleague]:
        """Everybody, the active ones first (admins; others find only themselves)."""
        rows = self._gateway.select(
            "staff_directory",
            columns=columns_of(Colleague),
            order=["active desc", "full_name", "email"],
        )
        return records_from(Colleague, rows)

    def invitations(self) -> list[Invitation]:
        """The open ones, newest first (admins; others find none)."""
        rows = self._gateway.select(
            "invitations", columns=columns_of(Invitation), order=["invited_at desc", "email"]
        )
        return records_from(Invitation, rows)

    def add(self, *, person_id: str, full_name: str, email: str, role: str, now: datetime) -> None:
        """Add a colleague (admins only). The id is the subject of their sign-in."""
        row = {
            "id": person_id,
            "full_name": full_name,
            "email": email,
            "role": role,
            "created_at": now,
            "updated_at": now,
        }
        self._gateway.insert("profiles", [row])

    def invite(self, *, email: str, full_name: str, role: str, now: datetime) -> None:
        """Let whoever signs in with this address, verified, join in this role (admins only).

        Raises:
            ConflictError: if the address is invited already.
            RuleBrokenError: if it is a colleague's; the message names them.
            NotAllowedError: for anybody but an admin.
        """
        row = {"email": email, "full_name": full_name, "role": role, "invited_at": now}
        self._gateway.insert("invitations", [row])

    def withdraw(self, email: str) -> bool:
        """Take an invitation back (admins only). False if it was no longer open."""
        deleted = self._gateway.delete("invitations", where={"email": email}, returning=["email"])
        return bool(deleted)

    def set_role(self, person_id: str, role: str, *, now: datetime) -> bool:
        """Make somebody sales or admin (admins only). False if they are that already.

        Raises:
            RuleBrokenError: for one's own role, and for the last admin's.
        """
        return self._change(person_id, {"role": role}, {"role": Filter("<>", role)}, now)

    def set_active(self, person_id: str, active: bool, *, now: datetime) -> bool:
        """Shut somebody out, or let them in again (admins only). False if it is so already.

        Raises:
            RuleBrokenError: for oneself, and for the last admin.
            InvalidValueError: for letting somebody in whose address was freed.
        """
        return self._change(person_id, {"active": active}, {"active": not active}, now)

    def free_address(self, person_id: str, *, now: datetime) -> bool:
        """Let somebody else be invited under the address of a colleague who has left, such as the
        same person with a new account (admins only). False if they are active."""
        return self._change(person_id, {"email": None}, {"active": False}, now)

    def set_contact_card(
        self, person_id: str, *, full_name: str, phone: str, now: datetime
    ) -> bool:
        """The name and number that e-mails show of an owner; one's own, admins everybody's. False
        where it is not one's to change."""
        return self._change(person_id, {"full_name": full_name, "phone": phone}, {}, now)

    def _change(
        self, person_id: str, values: dict[str, Any], only_if: dict[str, Any], now: datetime
    ) -> bool:
        changed = self._gateway.update(
            "profiles",
            values | {"updated_at": now},
            where={"id": person_id, **only_if},
            returning=["id"],
        )
        return bool(changed)
