"""What the fields of commands may hold: money, quantities, keys, texts, and what they make."""

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Annotated

from pydantic import BeforeValidator, Field, PlainSerializer, PlainValidator, StringConstraints
from pydantic.json_schema import WithJsonSchema

MONEY_LIMIT = Decimal("99999.99")
CENT = Decimal("0.01")


def _in_cents(value: object) -> Decimal:
    """Read an amount. One function, and no chain of constraints: it runs for every item."""
    if not isinstance(value, (str, Decimal)):
        raise ValueError('money is a string such as "12.50": a float cannot hold every cent')  # noqa: TRY004  pydantic's way
    try:
        amount = Decimal(value)
        cents = amount.quantize(CENT)
        if 0 <= amount <= MONEY_LIMIT and cents == amount:
            return abs(cents)  # for there is a minus zero
    except InvalidOperation:
        pass  # no number, or one that knows no order or no cents
    raise ValueError(f"money has two decimals at the most, from 0 to {MONEY_LIMIT}")


def _must_be_number(value: object) -> object:
    if isinstance(value, bool):
        raise ValueError("a quantity is a whole number such as 2")  # noqa: TRY004  pydantic's way
    return value


_MONEY_SCHEMA = WithJsonSchema({"type": "string", "examples": ["12.50"]})
Money = Annotated[Decimal, PlainValidator(_in_cents), PlainSerializer(str), _MONEY_SCHEMA]
_Number = BeforeValidator(_must_be_number)
Quantity = Annotated[int, Field(ge=1, le=999), _Number]
"""Units on one line of an order."""
AMOUNT_LIMIT = 1_000_000
Amount = Annotated[int, Field(ge=1, le=AMOUNT_LIMIT), _Number]
"""Units of one product that are moved at once; all lines of an order are within the limit."""
AmountOrNone = Annotated[int, Field(ge=0, le=AMOUNT_LIMIT), _Number]
Key = Annotated[str, Field(max_length=100, pattern=r"^[A-Za-z0-9._-]+$")]
"""The key of another aggregate: ``c-1`` of ``customer-c-1``, ``p-1`` of ``product-p-1``."""
TEXT_LIMIT = 200
_PLAIN = StringConstraints(strip_whitespace=True, min_length=1, max_length=TEXT_LIMIT)
Text = Annotated[str, _PLAIN]


@dataclass(frozen=True, slots=True)
class OrderItem:
    """Some units of one product at one price: one line of an order."""

    product_id: Key
    quantity: Quantity
    unit_price: Money

    @property
    def amount(self) -> Decimal:
        """What these units cost together."""
        return self.quantity * self.unit_price


@dataclass(frozen=True, slots=True)
class Address:
    """Where to ship. Some countries have no postal codes, so that one may be empty."""

    street: Text
    city: Text
    country: Text
    postal_code: Annotated[str, StringConstraints(strip_whitespace=True, max_length=20)] = ""
