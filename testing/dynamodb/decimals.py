"""DynamoDB's numbers: decimals of 38 digits between 1E-130 and 9.99...E+125, as text.

Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html
"""

from __future__ import annotations

from decimal import Context, Decimal, InvalidOperation

from testing.dynamodb.errors import invalid

DIGITS = 38
LARGEST_EXPONENT = 125
SMALLEST_EXPONENT = -130
OVERFLOW = "Number overflow. Attempting to store a number with magnitude larger than supported range"
UNDERFLOW = "Number underflow. Attempting to store a number with magnitude smaller than supported range"
TOO_PRECISE = "Attempting to store more than 38 significant digits in a Number"
# Wide enough that the sum of two valid numbers is exact.
_EXACT = Context(prec=300)


def canonical(text: object) -> str:
    """The number without superfluous zeros, as DynamoDB stores it. Raises Refused for what is no number to it."""
    if not isinstance(text, str):
        raise invalid(f"The parameter cannot be converted to a numeric value: {text}")
    if text.isascii() and text.isdigit() and len(text) <= DIGITS and text[0] != "0":
        return text
    try:
        number = Decimal(text)
    except InvalidOperation as error:
        raise invalid(f"The parameter cannot be converted to a numeric value: {text}") from error
    if not number.is_finite() or "_" in text or text != text.strip():
        raise invalid(f"The parameter cannot be converted to a numeric value: {text}")
    return _checked(number)


def total(left: str, right: str, sign: int = 1) -> str:
    """left + sign * right. A sum of more than 38 digits is an overflow to DynamoDB, as measured on AWS.

    Source: https://github.com/scylladb/scylladb/blob/master/test/alternator/test_number.py
    """
    return _checked(_EXACT.add(Decimal(left), sign * Decimal(right)), too_precise=OVERFLOW)


def _checked(number: Decimal, too_precise: str = TOO_PRECISE) -> str:
    if not number:
        return "0"
    if number.adjusted() > LARGEST_EXPONENT:
        raise invalid(OVERFLOW)
    if number.adjusted() < SMALLEST_EXPONENT:
        raise invalid(UNDERFLOW)
    if len("".join(map(str, number.as_tuple().digits)).strip("0")) > DIGITS:
        raise invalid(too_precise)
    return format(number.normalize(_EXACT), "f")
