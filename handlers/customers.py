"""A customer: registered once, renamed as often as need be.

The customer ``c-1`` is the aggregate ``customer-c-1``. Orders do not wait for it: an order
of a customer who is not registered yet is taken, and shows the name once it is known.
"""

from typing import Annotated, TypeAlias

import msgspec
from pydantic import StringConstraints

from engine import Command, Decider, Event, Rejected

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]


class RegisterCustomer(Command):
    """Make a customer known by name."""

    name: Name


class RenameCustomer(Command):
    """Give a known customer another name."""

    name: Name


class CustomerRegistered(Event):
    """The customer is known from now on."""

    name: str


class CustomerRenamed(Event):
    """The customer has another name from now on."""

    name: str


CustomerEvent: TypeAlias = CustomerRegistered | CustomerRenamed


class Customer(msgspec.Struct, frozen=True):
    """What the rules need to know; without a name the customer is not registered."""

    name: str | None = None


def register(command: RegisterCustomer, customer: Customer) -> CustomerRegistered:
    """A customer is registered once."""
    if customer.name is not None:
        raise Rejected("customer_exists", f"this customer is registered already: {customer.name}")
    return CustomerRegistered(command.name)


def rename(command: RenameCustomer, customer: Customer) -> CustomerRenamed | None:
    """Only who is registered has a name to change; to the same name nothing happens."""
    if customer.name is None:
        raise Rejected("customer_unknown", "this customer is not registered")
    if command.name == customer.name:
        return None
    return CustomerRenamed(command.name)


def evolve(_customer: Customer, event: CustomerEvent) -> Customer:
    """The customer after an event."""
    match event:
        case CustomerRegistered(name) | CustomerRenamed(name):
            return Customer(name)


decider = Decider(
    kind="customer",
    initial=Customer(),
    decide=[register, rename],
    evolve=evolve,
)
