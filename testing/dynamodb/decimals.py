"""DynamoDB's numbers: decimals of 38 digits between 1E-130 and 9.99...E+125, as text.

Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html
"""

from __future__ import annotations

from decimal import Context, Decimal, InvalidOperation
from functools import lru_cache

from testing.dynamodb.errors import Refused, invalid

DIGITS = 38
LARGEST_EXPONENT = 125
SMALLEST_EXPONENT = -130
OVERFLOW = "Number overflow. Attempting to store a number with magnitude larger than supported range"
UNDERFLOW = "Number underflow. Attempting to store a number with magnitude smaller than supported range"
TOO_PRECISE = "Attempting to store more than 38 significant digits in a Number"
# Wide enough that the sum of two valid numbers is exact.
_EXACT = Context(prec=300)
# So short that neither they nor the sum of two of them can have too many digits, or be too large or too small.
_SHORT = 18


@lru_cache(maxsize=4096)
def canonical(text: str) -> str:
    """The number without superfluous zeros, as DynamoDB stores it. Raises Refused for what is no number to it."""
    if text.isascii() and text.isdigit() and len(text) <= DIGITS and text[0] != "0":
        return text
    try:
        number = Decimal(text)
    except InvalidOperation as error:
        raise no_number(text) from error
    if not number.is_finite() or "_" in text or text != text.strip():
        raise no_number(text)
    return _spelled(number) if len(text) <= _SHORT and "e" not in text and "E" not in text else _checked(number)


def no_number(content: object) -> Refused:
    """What is refused where a number should be."""
    return invalid(f"The parameter cannot be converted to a numeric value: {content}")


def total(left: str, right: str, sign: int = 1) -> str:
    """left + sign * right. A sum of more than 38 digits is an overflow to DynamoDB, as measured on AWS.

    Source: https://github.com/scylladb/scylladb/blob/master/test/alternator/test_number.py
    """
    are_short = len(left) <= _SHORT >= len(right)
    if are_short and "." not in left and "." not in right:
        return str(int(left) + sign * int(right))
    compute = _EXACT.add if sign > 0 else _EXACT.subtract
    number = compute(Decimal(left), Decimal(right))
    return _spelled(number) if are_short else _checked(number, too_precise=OVERFLOW)


def _checked(number: Decimal, too_precise: str = TOO_PRECISE) -> str:
    if not number:
        return "0"
    if number.adjusted() > LARGEST_EXPONENT:
        raise invalid(OVERFLOW)
    if number.adjusted() < SMALLEST_EXPONENT:
        raise invalid(UNDERFLOW)
    if len("".join(map(str, number.as_tuple().digits)).strip("0")) > DIGITS:
        raise invalid(too_precise)
    return _spelled(number)


def _spelled(number: Decimal) -> str:
    return format(number.normalize(_EXACT), "f") if number else "0"
