"""A FastAPI application that takes and shows orders: ``uvicorn handlers.web:app``.

One client serves all requests; routes are handed its buses. What the shop refuses comes back with
the status that the error's class has, so no route maps any.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, TypedDict
from uuid import uuid4

import msgspec
from fastapi import Depends, FastAPI, Header, Request, Response
from fastapi.responses import JSONResponse

import engine
from engine import Client, CommandBus, QueryBus, SemelError
from handlers.orders import CreateOrder
from projections.orders import GetOrderById, OrderView


class State(TypedDict):
    """What lives as long as the application."""

    semel: Client


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[State]:
    """Connect once, as the environment and ``config/semel.toml`` say."""
    async with engine.connect() as semel:
        yield {"semel": semel}


def command_bus(request: Request) -> CommandBus:
    """What routes send commands by."""
    bus: CommandBus = request.state.semel.commands
    return bus


def query_bus(request: Request) -> QueryBus:
    """What routes ask queries by."""
    bus: QueryBus = request.state.semel.queries
    return bus


Commands = Annotated[CommandBus, Depends(command_bus)]
Queries = Annotated[QueryBus, Depends(query_bus)]

app = FastAPI(title="Order shop", lifespan=lifespan)


@app.exception_handler(SemelError)
async def refused(_: Request, error: SemelError) -> JSONResponse:
    """Say why the answer is no."""
    return JSONResponse({"detail": str(error)}, error.http_status)


@app.post("/api/v1/orders", status_code=201)
async def create_order(
    order: CreateOrder,
    commands: Commands,
    response: Response,
    idempotency_key: Annotated[str | None, Header(max_length=100)] = None,
) -> dict[str, str]:
    """Take an order. The same key again is the same order, however often it is sent."""
    key = idempotency_key or uuid4().hex
    outcome = await commands.dispatch(order, aggregate=f"order-{key}", id=f"create-{key}")
    response.headers["Location"] = f"/api/v1/orders/{outcome.aggregate}?after={outcome.receipt}"
    return {"id": outcome.aggregate, "receipt": str(outcome.receipt)}


@app.get("/api/v1/orders/{order_id}", response_model=None)
async def get_order(order_id: str, queries: Queries, after: str | None = None) -> Response:
    """Show an order, as it is ``after`` a receipt; 404 where there is none."""
    order: OrderView = await queries.dispatch(GetOrderById(order_id=order_id), after=after)
    return Response(msgspec.json.encode(order), media_type="application/json")
