"""What the providers believe: every capture and every refund, once, in the order they happened."""

from dataclasses import dataclass

from sandbox.state import State


@dataclass(frozen=True, slots=True)
class Entry:
    """Money a provider moved, in minor units. `at` is in Unix seconds of the sandbox's clock."""

    provider: str
    account: str
    kind: str
    id: str
    payment: str
    reference: str | None
    amount: int
    currency: str
    at: int
    fee: int = 0


class Ledger:
    """The one book of both dialects. The same capture or refund enters it only once."""

    def __init__(self, state: State) -> None:
        self._state = state

    def enter(self, entry: Entry) -> None:
        """Write an entry; one that is there already is refused by the table."""
        self._state.write(
            "INSERT INTO payment_ledger (provider, account, kind, id, payment, reference, amount,"
            " currency, fee, at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            entry.provider,
            entry.account,
            entry.kind,
            entry.id,
            entry.payment,
            entry.reference,
            entry.amount,
            entry.currency.upper(),
            entry.fee,
            entry.at,
        )

    def entries(self, provider: str | None = None, account: str | None = None) -> list[Entry]:
        """The entries, oldest first."""
        rows = self._state.rows(
            "SELECT * FROM payment_ledger WHERE provider = coalesce(?, provider)"
            " AND account = coalesce(?, account) ORDER BY seq",
            provider,
            account,
        )
        names = Entry.__dataclass_fields__
        return [Entry(**{name: row[name] for name in names}) for row in rows]

    def totals(
        self, provider: str | None = None, account: str | None = None
    ) -> list[dict[str, object]]:
        """Captured, refunded, fees and what is left, by provider, account and currency."""
        rows = self._state.rows(
            "SELECT provider, account, currency,"
            " sum(CASE kind WHEN 'capture' THEN amount ELSE 0 END) AS captured,"
            " sum(CASE kind WHEN 'refund' THEN amount ELSE 0 END) AS refunded,"
            " sum(fee) AS fees FROM payment_ledger WHERE provider = coalesce(?, provider)"
            " AND account = coalesce(?, account) GROUP BY 1, 2, 3 ORDER BY 1, 2, 3",
            provider,
            account,
        )
        return [{**dict(row), "net": row["captured"] - row["refunded"]} for row in rows]
