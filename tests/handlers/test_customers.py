"""The rules of customers."""

import pytest
from pydantic import ValidationError

from engine.testing import given
from handlers.customers import (
    CustomerRegistered,
    CustomerRenamed,
    RegisterCustomer,
    RenameCustomer,
    decider,
)

ADA = CustomerRegistered("Ada")


def test_a_customer_is_registered_by_name() -> None:
    given(decider).when(RegisterCustomer(name="Ada")).then(ADA)


@pytest.mark.parametrize("name", ["Ada", "Grace"])
def test_a_customer_is_registered_once(name: str) -> None:
    no = given(decider, ADA).when(RegisterCustomer(name=name)).then_rejected("customer_exists")
    assert "Ada" in no.message


def test_a_customer_is_renamed() -> None:
    decided = given(decider, ADA).when(RenameCustomer(name="Ada L."))
    assert decided.then(CustomerRenamed("Ada L.")).state.name == "Ada L."


def test_only_who_is_registered_is_renamed() -> None:
    given(decider).when(RenameCustomer(name="Ada")).then_rejected("customer_unknown")


def test_renaming_to_the_same_name_is_accepted_and_changes_nothing() -> None:
    given(decider, ADA).when(RenameCustomer(name="Ada")).then()


def test_a_name_can_be_taken_back() -> None:
    history = [ADA, CustomerRenamed("Ada L.")]
    given(decider, *history).when(RenameCustomer(name="Ada")).then(CustomerRenamed("Ada"))


def test_a_renamed_customer_stays_registered() -> None:
    history = [ADA, CustomerRenamed("Ada L.")]
    no = given(decider, *history).when(RegisterCustomer(name="Ada"))
    assert "Ada L." in no.then_rejected("customer_exists").message


def test_spaces_around_a_name_are_not_part_of_it() -> None:
    assert RegisterCustomer(name="  Ada\n").name == "Ada"


@pytest.mark.parametrize("command", [RegisterCustomer, RenameCustomer])
@pytest.mark.parametrize("name", ["", "   ", "x" * 201, 7, None])
def test_a_name_is_a_text_of_1_to_200_characters(
    command: type[RegisterCustomer | RenameCustomer], name: object
) -> None:
    with pytest.raises(ValidationError) as caught:
        command.model_validate({"name": name})
    assert [fault["loc"] for fault in caught.value.errors()] == [("name",)]
