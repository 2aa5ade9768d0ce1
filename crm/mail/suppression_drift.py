"""Where SendGrid's suppression lists and ours differ. No I/O.

Both directions only ever add: an address that one side holds and the other does not is suppressed
on both afterwards, and nothing is lifted anywhere.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from crm.mail.addresses import AddressError, normalise_address

REASONS: Mapping[str, str] = {
    "spam_reports": "complaint",
    "unsubscribes": "unsubscribed",
    "bounces": "hard_bounce",
    "invalid_emails": "invalid",
}
"""SendGrid's lists and the reason they stand for here, the strongest first. Its fifth list, blocks,
is of refused e-mails, not of addresses: SendGrid itself goes on sending to them."""

_STRENGTH = tuple(REASONS.values())

A_PERSONS_WILL = frozenset({"unsubscribed", "complaint", "opted_out", "manual"})
"""Reasons SendGrid is told of. It finds dead addresses by itself, and its list of unsubscribed
people is the wrong place for them."""


@dataclass(frozen=True, slots=True)
class Drift:
    """`only_there` is address → our reason for it, `only_here` is in alphabetical order."""

    only_there: Mapping[str, str]
    only_here: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.only_there or self.only_here)

    def reasons_there(self) -> dict[str, int]:
        """How many addresses are missing here, by reason, the strongest first."""
        counts = Counter(self.only_there.values())
        return {reason: counts[reason] for reason in _STRENGTH if counts[reason]}


def compare(theirs: Iterable[tuple[str, str]], ours: Iterable[tuple[str, str]]) -> Drift:
    """`theirs` is (list, address) in any order and spelling, `ours` is (address, reason)."""
    there: dict[str, str] = {}
    for name, spelled in theirs:
        if address := _one_spelling(spelled):
            known, said = there.get(address), REASONS[name]
            there[address] = min(known or said, said, key=_STRENGTH.index)
    here = dict(ours)
    only_here = (a for a, reason in here.items() if reason in A_PERSONS_WILL and a not in there)
    return Drift(
        {address: reason for address, reason in there.items() if address not in here},
        tuple(sorted(only_here)),
    )


def masked(address: str) -> str:
    """For logs and terminals: "g***@customer.example"."""
    local, at, domain = address.partition("@")
    return f"{local[:1]}***{at}{domain}"


def _one_spelling(address: str) -> str | None:
    """As addresses are written here; None for what can't be anybody's address."""
    try:
        return normalise_address(address)
    except AddressError:
        # Its list of invalid addresses holds what we would call none; ASCII may still be imported.
        bare = address.strip().lower()
        return bare if bare.isascii() and bare.isprintable() and "@" in bare else None
