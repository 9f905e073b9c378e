"""The order as a model of pydantic, for peers whose handlers are given one."""

from pydantic import BaseModel, Field


class Item(BaseModel):
    product_id: str
    quantity: int = Field(gt=0)
    unit_price: str


class Address(BaseModel):
    street: str
    city: str
    postal_code: str
    country: str


class Order(BaseModel):
    order_id: str
    customer_id: str
    items: list[Item] = Field(min_length=1)
    shipping_address: Address
