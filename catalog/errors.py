"""Root of every error that Tongbu raises on purpose.

A leaf names what went wrong in words of the field and carries a message that says what to do next.
The HTTP border (catalog/http/problem.py) turns leaves into problem+json; only it knows HTTP.

    TongbuError
    ├── CatalogError
    │   ├── Invalid      the request or row breaks a rule: 422
    │   ├── NotFound     nothing of that name, or not for this person: 404
    │   ├── Conflict     true at another time, not now: 409
    │   ├── SignInNeeded no or expired credentials: 401
    │   ├── NoRight      signed in, but not allowed: 403
    │   ├── OverQuota    no room left for this person: 413
    │   ├── TooMany      slow down, with the wait in seconds: 429
    │   └── Unavailable  database or store away, try again: 503
    └── (each package adds its own root below TongbuError)
"""

from __future__ import annotations


class TongbuError(Exception):
    """Root of all errors raised on purpose."""


class CatalogError(TongbuError):
    """Root of the catalog's errors."""


class Invalid(CatalogError):
    """Input breaks a rule. `fields` maps a field's name to a sentence a person can act on."""

    def __init__(self, message: str, fields: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.fields = fields or {}


class NotFound(CatalogError):
    """Nothing of that name exists, or this person may not know that it does."""


class Conflict(CatalogError):
    """The request does not fit the present state."""


class SignInNeeded(CatalogError):
    """No credentials, or credentials that no longer hold."""


class NoRight(CatalogError):
    """Signed in, but this is not allowed."""


class OverQuota(CatalogError):
    """The person has no room left for this."""


class TooMany(CatalogError):
    """Too many tries; `wait_s` seconds until the next is taken."""

    def __init__(self, message: str, wait_s: float) -> None:
        super().__init__(message)
        self.wait_s = wait_s


class Unavailable(CatalogError):
    """A part that the service stands on is away; the same request may work soon."""
