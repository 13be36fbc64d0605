"""Splits PartiQL statements into tokens: as expressions are, with quoted names, strings, numbers and parameters.

Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-reference.html
"""

from __future__ import annotations

from testing.dynamodb.errors import Refused, invalid
from testing.dynamodb.expressions.tokens import NAME, NUMBER, Token, Tokens

QUOTED = '"'
STRING = "'"
SYMBOLS = ("<<", ">>", "<>", "!=", "<=", ">=", *"=<>()[]{},.:+-?*")
DIGITS = frozenset("0123456789.eE")


class StatementTokens(Tokens):
    """The tokens of one statement."""

    def __init__(self, text: str) -> None:
        super().__init__("statement", text)

    def error(self, why: str) -> Refused:
        """What to raise, in AWS's words."""
        return invalid(f"Statement wasn't well formed, can't be processed: {why}")

    def take_name(self) -> str:
        """An attribute's or table's name, quoted or not."""
        token = self.peek()
        if token.kind not in (NAME, QUOTED):
            raise self.syntax_error()
        return self.take().text

    def _read(self, start: int) -> Token:
        first = self._text[start]
        if first in (QUOTED, STRING):
            return self._quoted(first, start)
        if first.isascii() and first.isdigit():
            return self._number(start)
        if first.isascii() and first.isalpha():
            return self._word(NAME, start, start)
        symbol = next((symbol for symbol in SYMBOLS if self._text.startswith(symbol, start)), None)
        if symbol is None:
            raise self.error(f"Unexpected {first!r} at position {start + 1}")
        return Token("<>" if symbol == "!=" else symbol, symbol, start, start + len(symbol))

    def _quoted(self, quote: str, start: int) -> Token:
        """The text in quotes, in which a doubled quote is one."""
        text, position = "", start + 1
        while True:
            end = self._text.find(quote, position)
            if end < 0:
                raise self.error(f"{quote} at position {start + 1} is not closed")
            text += self._text[position:end]
            if not self._text.startswith(quote, end + 1):
                return Token(quote, text, start, end + 1)
            text += quote
            position = end + 2

    def _number(self, start: int) -> Token:
        position = start
        while position < len(self._text) and (
            self._text[position] in DIGITS or (self._text[position] in "+-" and self._text[position - 1] in "eE")
        ):
            position += 1
        return Token(NUMBER, self._text[start:position], start, position)
