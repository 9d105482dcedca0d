"""Which fragments of a rendition are taken: those that continue its timeline. Pure.

A picture that was broken off goes on with a keyframe.
"""

from __future__ import annotations

from streaming.errors import BadMedia
from streaming.isobmff.fragment import Fragment

FRAGMENT_LIMIT_BYTES = 8 * 1024 * 1024
BACKWARDS_LIMIT = 500


class Admission:
    """With one rendition; `dropped` counts the fragments that were not taken."""

    def __init__(self, name: str, video: bool) -> None:
        self.dropped = 0
        self._name, self._video = name, video
        self._waits_for_sync = True
        self._backwards = 0

    def begin_anew(self) -> None:
        """What follows stands on nothing before: a picture begins with its next keyframe."""
        self._waits_for_sync = self._video

    def admits(self, fragment: Fragment, late: bool, behind_a_gap: bool) -> bool:
        """Tell whether a fragment is taken; False drops it. Raises: BadMedia.

        `late`: it begins before what was taken ends; `behind_a_gap`: the publisher was away.
        """
        if len(fragment.data) > FRAGMENT_LIMIT_BYTES:
            raise BadMedia(f"{self._name}: a fragment of {len(fragment.data)} bytes")
        if late:
            self._backwards += 1
            self.refuse()
            if self._backwards > BACKWARDS_LIMIT:
                raise BadMedia(f"{self._name}: times run backwards and do not come back")
            return False
        self._backwards = 0
        if behind_a_gap:
            self.begin_anew()
        if self._waits_for_sync and not fragment.starts_with_sync:
            self.dropped += 1
            return False
        self._waits_for_sync = False
        return True

    def refuse(self) -> None:
        """Drop a fragment; a picture goes on with its next keyframe."""
        self.dropped += 1
        self.begin_anew()
