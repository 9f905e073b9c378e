"""A projection whose rows depend on how events are delivered is found."""

from collections.abc import Iterator
from itertools import count

import pytest

from engine import Event, Index, Operation, Projection, Query, Row, Views, add, put
from engine.core.errors import Misuse
from engine.testing import Happened, ReadModels
from engine.testing.deciding import awaited

calls = count()


class Seen(Event):
    by: str


class Sight(Row):
    id: str
    by: str = ""
    times: int = 0


class GetSight(Query[Sight]):
    id: str


def counted(event: Seen) -> Iterator[Operation]:
    yield put("s", by=event.by)
    yield add("s", times=1)


def numbered(event: Seen) -> Iterator[Operation]:
    yield put("s", by=f"{event.by} {next(calls)}")


def scattered(event: Seen) -> Iterator[Operation]:
    yield put(f"{event.by}-{next(calls)}", by=event.by)


def sights(on: object) -> Projection[Sight]:
    by = Index("by", ("by",), order="times")
    return Projection(name="sights", row=Sight, on=[on], indexes=[by])  # type: ignore[list-item]


async def get_sight(query: GetSight, views: Views) -> Sight:
    return await views.get(good, query.id)


good = sights(counted)
TWO = [Happened("a-1", Seen("Ada")), Happened("a-2", Seen("Eve"))]


def test_sums_and_fields_come_out_alike() -> None:
    models = ReadModels(good).after(*TWO)
    assert models.rows(good) == {"s": Sight(id="s", by="Eve", times=2)}
    assert models.group(good, "by", "Eve") == ["s"]


def test_what_changes_from_call_to_call_is_found() -> None:
    with pytest.raises(AssertionError) as caught:
        ReadModels(sights(numbered)).after(*TWO)
    said = str(caught.value)
    assert said.startswith("sights comes out otherwise when every event is applied twice: s.by is ")
    assert "must follow from its event alone" in said


def test_rows_that_are_named_anew_each_time_are_found() -> None:
    with pytest.raises(AssertionError, match="applied twice: Ada-"):
        ReadModels(sights(scattered)).after(*TWO)


def test_a_reader_for_deciders_asks_the_same_rows() -> None:
    queries = ReadModels(good, queries=[get_sight]).after(*TWO).queries
    assert awaited(queries.ask(GetSight(id="s"))).times == 2
    assert awaited(queries.ask_named("GetSight", id="s")).by == "Eve"
    with pytest.raises(Misuse, match="no query GetLost"):
        awaited(queries.ask_named("GetLost"))
