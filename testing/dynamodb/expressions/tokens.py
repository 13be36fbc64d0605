"""Splits an expression into tokens, and walks over them."""

from __future__ import annotations

import string
from dataclasses import dataclass

from testing.dynamodb.errors import Refused, invalid

SYMBOLS = ("<>", "<=", ">=", "=", "<", ">", "(", ")", "[", "]", ",", ".", "+", "-")
LETTERS = frozenset(string.ascii_letters)
WORD = frozenset(string.ascii_letters + string.digits + "_")
# The kinds of tokens; a symbol's kind is the symbol.
NAME, NAME_REF, VALUE_REF, NUMBER, END = "name", "#", ":", "number", "end"


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of an expression: its kind, its text, and where it begins and ends."""

    kind: str
    text: str
    start: int
    end: int


class Tokens:
    """The tokens of one expression, read from left to right. `kind` names the expression in errors."""

    def __init__(self, kind: str, text: str) -> None:
        self.kind = kind
        self._text = text
        self._position = 0
        self._tokens = self._split()
        if len(self._tokens) == 1:
            raise self.error("The expression can not be empty;")

    def peek(self, ahead: int = 0) -> Token:
        """The next token, without taking it."""
        return self._tokens[min(self._position + ahead, len(self._tokens) - 1)]

    def take(self) -> Token:
        """The next token."""
        token = self.peek()
        self._position += 1
        return token

    def accept(self, symbol: str) -> bool:
        """Take this symbol if it is next."""
        if self.peek().kind != symbol:
            return False
        self._position += 1
        return True

    def expect(self, symbol: str) -> None:
        """Take this symbol. Raises Refused if another is next."""
        if not self.accept(symbol):
            raise self.syntax_error()

    def accept_word(self, *words: str) -> str | None:
        """Take one of these keywords, in any case, if it is next."""
        token = self.peek()
        if token.kind != NAME or token.text.upper() not in words:
            return None
        self._position += 1
        return token.text.upper()

    def expect_word(self, word: str) -> None:
        """Take this keyword. Raises Refused if it is not next."""
        if not self.accept_word(word):
            raise self.syntax_error()

    def error(self, why: str) -> Refused:
        """What to raise, in AWS's words."""
        return invalid(f"Invalid {self.kind}: {why}")

    def syntax_error(self) -> Refused:
        """What to raise where the next token is not what it should be."""
        token = self.peek()
        shown = "<EOF>" if token.kind == END else token.text
        first = self._tokens[max(self._position - 1, 0)]
        near = self._text[first.start : self.peek(1).end]
        return self.error(f'Syntax error; token: "{shown}", near: "{near}"')

    def _split(self) -> list[Token]:
        tokens: list[Token] = []
        position = 0
        while position < len(self._text):
            if self._text[position].isspace():
                position += 1
                continue
            token = self._read(position)
            tokens.append(token)
            position = token.end
        return [*tokens, Token(END, "", len(self._text), len(self._text))]

    def _read(self, start: int) -> Token:
        first = self._text[start]
        if first in LETTERS:
            return self._word(NAME, start, start)
        if first.isascii() and first.isdigit():
            return self._word(NUMBER, start, start)
        if first in (NAME_REF, VALUE_REF):
            token = self._word(first, start, start + 1)
            if token.end > start + 1:
                return token
        symbol = next((symbol for symbol in SYMBOLS if self._text.startswith(symbol, start)), None)
        if symbol is None:
            raise self.error(f'Syntax error; token: "{first}", near: "{self._text[max(start - 5, 0) : start + 5]}"')
        return Token(symbol, symbol, start, start + len(symbol))

    def _word(self, kind: str, start: int, position: int) -> Token:
        while position < len(self._text) and self._text[position] in WORD:
            position += 1
        text = self._text[start:position]
        if kind == NUMBER and not text.isdigit():
            raise self.error(f'Syntax error; token: "{text}", near: "{self._text[max(start - 5, 0) : position + 5]}"')
        return Token(kind, text, start, position)
