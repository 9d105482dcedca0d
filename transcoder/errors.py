"""Errors of the work plane.

    TongbuError
    └── TranscoderError
        ├── BadSource       the uploaded file cannot be made into a lesson: never tried again
        └── ProcessError    a child process ended otherwise than it should; may be tried again
            ├── ProcessFailed    it ended with a code or by a signal
            ├── ProcessStalled   no progress for too long
            └── ProcessOvertime  not done within its wall time

A BadSource carries a `code` that pages translate and a plain sentence that a teacher can act on.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum

from catalog.errors import TongbuError


class TranscoderError(TongbuError):
    """Root of the transcoder's errors."""


class Fault(Enum):
    """What is wrong with a source; the value is the code that the API shows."""

    EMPTY = "source_empty"
    NOT_MEDIA = "source_not_media"
    INCOMPLETE = "source_incomplete"
    DAMAGED = "source_damaged"
    NO_CONTENT = "source_no_content"
    TOO_LONG = "source_too_long"
    TOO_LARGE_PICTURE = "source_picture_too_large"
    TOO_SPARSE = "source_too_sparse"
    TOO_COSTLY = "source_too_costly"


class BadSource(TranscoderError):
    """The source is not usable; trying again cannot help."""

    def __init__(self, fault: Fault, sentence: str) -> None:
        super().__init__(sentence)
        self.fault = fault
        self.code = fault.value


class ProcessError(TranscoderError):
    """A child process did not do its work. `stderr` holds its last lines."""

    def __init__(self, message: str, stderr: Sequence[str] = ()) -> None:
        super().__init__("\n".join([message, *stderr]))
        self.message = message
        self.stderr = tuple(stderr)


class ProcessFailed(ProcessError):
    """The process ended with a code other than 0; negative is the number of a signal."""

    def __init__(self, program: str, returncode: int, stderr: Sequence[str] = ()) -> None:
        end = f"signal {-returncode}" if returncode < 0 else f"exit code {returncode}"
        super().__init__(f"{program} ended with {end}", stderr)
        self.returncode = returncode


class ProcessStalled(ProcessError):
    """The process was alive but its media time did not grow."""


class ProcessOvertime(ProcessError):
    """The process was not done within its wall time."""
