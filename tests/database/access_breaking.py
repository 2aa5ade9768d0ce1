"""Breaking a policy, to show that the access matrix notices."""

from dataclasses import dataclass

from tests.conftest import Raw

_OPERATIONS = {"SELECT": "R", "INSERT": "I", "UPDATE": "U", "DELETE": "D", "ALL": "RIUD"}
_ORDER = ["INSERT", "UPDATE", "DELETE", "SELECT", "ALL"]


@dataclass(frozen=True, slots=True)
class Policy:
    table: str
    name: str
    command: str

    @property
    def operations(self) -> str:
        return _OPERATIONS[self.command]

    def dropped(self) -> bytes:
        return f'drop policy "{self.name}" on "{self.table}"'.encode()

    def widened(self) -> bytes:
        """For everybody with an account, and every row."""
        using = "" if self.command == "INSERT" else " using (true)"
        check = "" if self.command in {"SELECT", "DELETE"} else " with check (true)"
        return (
            f'alter policy "{self.name}" on "{self.table}" to authenticated{using}{check}'.encode()
        )


def policies_of(raw: Raw, table: str) -> list[Policy]:
    """What governs reading stands last."""
    found = raw.execute(
        "select tablename, policyname, cmd from pg_policies"
        " where schemaname = 'public' and tablename = %s",
        (table,),
    )
    policies = [Policy(r["tablename"], r["policyname"], r["cmd"]) for r in found]
    return sorted(policies, key=lambda policy: (_ORDER.index(policy.command), policy.name))


def operations_with(word: str, differences: list[str]) -> set[str]:
    """The operations that are now "allowed" or "refused" somewhere, and should not be."""
    return {
        words.split()[1]
        for words in differences
        if (words.endswith(": allowed")) == (word == "allowed")
    }
