"""Words and signs of the two small languages of alarms: metric math and rules of composite alarms."""

from __future__ import annotations

import re
from collections.abc import Collection

from local.alarms.errors import AlarmError


class Tokens:
    """A text, token by token. `grammar` is a pattern of one token; blanks between tokens mean nothing."""

    def __init__(self, text: str, grammar: str) -> None:
        self._text = text
        self._tokens: list[str] = []
        pattern, at = re.compile(rf"\s*(?:({grammar})|$)"), 0
        while at < len(text):
            match = pattern.match(text, at)
            if match is None:
                raise AlarmError(f"`{text}`: nothing is known that begins with `{text[at:].strip()[:10]}`")
            if match[1]:
                self._tokens.append(match[1])
            at = max(match.end(), at + 1)
        self._next = 0

    @property
    def next(self) -> str | None:
        """The token that comes next; None at the end."""
        return self._tokens[self._next] if self._next < len(self._tokens) else None

    def take(self) -> str:
        """The next token, which is done with."""
        token = self.next
        if token is None:
            raise self.error("it ends too early")
        self._next += 1
        return token

    def take_if(self, choices: Collection[str]) -> str | None:
        """The next token if it is one of these."""
        return self.take() if self.next is not None and self.next in choices else None

    def expect(self, token: str) -> None:
        """Take exactly this token."""
        if self.take_if((token,)) is None:
            raise self.error(f"`{token}` is missing before {f'`{self.next}`' if self.next else 'the end'}")

    def end(self) -> None:
        """Nothing may follow."""
        if self.next is not None:
            raise self.error(f"`{self.next}` is too much")

    def error(self, what: str) -> AlarmError:
        """An error that shows the text."""
        return AlarmError(f"`{self._text}`: {what}")
