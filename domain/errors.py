"""What can go wrong, in two kinds: refused (final, say why) and unavailable (temporary, try again).

InnkeeperError
├── Refused            the answer is no and stays no; never retried
│   ├── InvalidInput   a field breaks a rule (HTTP 422)
│   ├── NotFound       there is no such thing for this tenant (404)
│   ├── Forbidden      the caller may not (403)
│   └── Conflict       the rows say otherwise (409)
│       ├── IllegalTransition   the state does not allow this step (409)
│       └── BookingConflict     the place is taken for that time; names free ones (409)
└── Unavailable        nobody answered, or asked us to wait; retried (503)
    └── UnknownOutcome the question was sent, no answer came: look it up first
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """One broken rule of one field; `code` is stable, `message` names value and rule for people."""

    field: str
    code: str
    message: str


class InnkeeperError(Exception):
    """Base of every error this product raises on purpose. `code` is stable and machine-readable."""

    code = "ERROR"

    def __init__(self, detail: str, *, code: str | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.code = code or type(self).code


class Refused(InnkeeperError):
    """The answer is no, and asking again changes nothing."""

    code = "REFUSED"


class InvalidInput(Refused):
    """One or more fields break a rule; each is named with its value and the rule."""

    code = "INVALID_INPUT"

    def __init__(self, *problems: FieldProblem) -> None:
        super().__init__("; ".join(f"{p.field}: {p.message}" for p in problems))
        self.problems = problems

    @classmethod
    def of(cls, field: str, code: str, message: str) -> "InvalidInput":
        """One problem with one field."""
        return cls(FieldProblem(field, code, message))


class NotFound(Refused):
    """There is no such thing, or it belongs to somebody else: the two look alike on purpose."""

    code = "NOT_FOUND"


class Forbidden(Refused):
    """The caller is known and may not do this."""

    code = "FORBIDDEN"


class Conflict(Refused):
    """The rows say otherwise: taken, already done, changed meanwhile."""

    code = "CONFLICT"


class IllegalTransition(Conflict):
    """The thing is in a state that does not allow this step; nothing was changed."""

    code = "ILLEGAL_TRANSITION"


class BookingConflict(Conflict):
    """The place is taken for that time; `alternatives` are free ones near it, nearest first."""

    code = "BOOKING_CONFLICT"

    def __init__(self, detail: str, alternatives: Sequence[Mapping[str, object]] = ()) -> None:
        super().__init__(detail)
        self.alternatives = alternatives


class Unavailable(InnkeeperError):
    """Nobody answered, or we were asked to wait. Trying again is right."""

    code = "UNAVAILABLE"

    def __init__(self, detail: str, *, retry_after_seconds: int = 5) -> None:
        super().__init__(detail)
        self.retry_after_seconds = retry_after_seconds


class UnknownOutcome(Unavailable):
    """The request may have been carried out; look it up before doing anything else."""

    code = "UNKNOWN_OUTCOME"
