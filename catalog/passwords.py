"""Passwords hashed with argon2id in threads, a few at a time.

A hash takes 64 MiB and tens of milliseconds on purpose: more than SLOTS at once would take the
memory and the cores of everything else, and more than QUEUE waiting get `TooMany`.

Spec: RFC 9106 4 (second recommended option), OWASP: equal effort for unknown users.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import ParamSpec, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from catalog.credentials import normal_password
from catalog.errors import TooMany

P = ParamSpec("P")
T = TypeVar("T")
SLOTS = 2
QUEUE = 64
QUEUE_WAIT_S = 5.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether the password fits, and a fresh hash when the kept one is of an older strength."""

    fits: bool
    rehashed: str | None = None


class Passwords:
    """Hashes and checks; one a process."""

    def __init__(self, hasher: PasswordHasher | None = None, queue: int = QUEUE) -> None:
        self._hasher = hasher or PasswordHasher()
        self._slots = asyncio.Semaphore(SLOTS)
        self._queue = queue
        self._waiting = 0
        self._nobody = ""

    async def hash(self, password: str) -> str:
        """Hash a password that credentials.password_of has approved."""
        return await self._in_turn(self._hasher.hash, password)

    async def check(self, kept: str | None, password: str) -> Verdict:
        """Compare with the kept hash; without one, with the same effort, it does not fit."""
        return await self._in_turn(self._check, kept, normal_password(password))

    def _check(self, kept: str | None, password: str) -> Verdict:
        if not self._nobody:
            self._nobody = self._hasher.hash("nobody has this password")
        try:
            self._hasher.verify(kept or self._nobody, password)
        except (VerificationError, InvalidHashError):
            return Verdict(False)
        if kept is None:
            return Verdict(False)
        stale = self._hasher.check_needs_rehash(kept)
        return Verdict(True, self._hasher.hash(password) if stale else None)

    async def _in_turn(self, work: Callable[P, T], *values: P.args, **named: P.kwargs) -> T:
        if self._waiting >= self._queue:
            raise TooMany("many people sign in just now: try again soon", QUEUE_WAIT_S)
        self._waiting += 1
        try:
            async with self._slots:
                return await asyncio.to_thread(work, *values, **named)
        finally:
            self._waiting -= 1
