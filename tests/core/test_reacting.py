"""Routers as they are registered, and what may be wrong with them."""

from collections.abc import Callable
from typing import Any

import pytest

from engine import Effect, EffectContext, EventContext, Rejection, Router, Send, send
from engine.core.errors import Misregistered
from engine.core.reacting import sends_of
from engine.core.reactions import with_reactions
from engine.core.registry import build
from tests.core.doors import Close, Closed, Opened, close, decider, on_opened, open_, projection

DOORS = decider(open_, close)


def shut(event: Opened) -> Send:
    return send(f"door-{event.by}", Close())


def shut_with_context(_event: Opened | Closed, context: EventContext) -> Send:
    return send(context.aggregate, Close())


def hear(rejection: Rejection) -> Send:
    return send(rejection.cause, Close())


def router(*routes: Callable[..., Any], name: str = "porter") -> Router:
    return Router(name=name, routes=routes)


def test_routes_are_known_by_the_events_that_they_take() -> None:
    routes = with_reactions(build([DOORS]), [router(shut_with_context, hear)]).routers["porter"]
    assert set(routes.events) == {Opened, Closed}
    assert all(route.wants_context for route in routes.events.values())
    assert routes.on_rejection is not None
    assert not routes.on_rejection.wants_context


def test_a_router_may_take_events_of_others_decider() -> None:
    domain = with_reactions(build(), [router(shut)])
    assert domain.events == {"Opened": Opened}
    assert domain.routers["porter"].on_rejection is None


def no_event(_event: str) -> None: ...


def no_hint(_event) -> None: ...  # type: ignore[no-untyped-def]  # noqa: ANN001


def too_much(_event: Opened, _context: EventContext, _more: int) -> None: ...


def no_context(_event: Opened, _context: str) -> None: ...


@pytest.mark.parametrize(
    ("routes", "said"),
    [
        ([no_event], "subclass of Event or Rejection"),
        ([no_hint], "subclass of Event or Rejection"),
        ([too_much], "nothing else"),
        ([no_context], "nothing else"),
        ([shut, shut_with_context], "two functions for Opened"),
        ([hear, hear], "two functions for Rejection"),
    ],
)
def test_what_is_wrong_with_a_route_is_said(routes: list[Callable[..., Any]], said: str) -> None:
    with pytest.raises(Misregistered, match=said):
        with_reactions(build([DOORS]), [router(*routes)])


@pytest.mark.parametrize("name", ["", "a-b", "a b", "a/b", "größe"])
def test_a_name_is_one_word(name: str) -> None:
    with pytest.raises(Misregistered, match="name is a word"):
        with_reactions(build([DOORS]), [router(shut, name=name)])


def test_a_name_is_used_once() -> None:
    with pytest.raises(Misregistered, match="'porter'"):
        with_reactions(build([DOORS]), [router(shut), router(hear)])
    with pytest.raises(Misregistered, match="'doors'"):
        with_reactions(build([DOORS], [projection(on_opened)]), [router(shut, name="doors")])


def test_events_may_not_be_called_as_ours() -> None:
    class _Hidden(Opened, frozen=True):
        """Looks like a note of the engine's."""

    def take(_event: _Hidden) -> None: ...

    take.__annotations__["_event"] = _Hidden
    with pytest.raises(Misregistered, match="do not begin with _"):
        with_reactions(build(), [router(take)])


def test_what_a_route_answers() -> None:
    one = send("door-1", Close())
    assert sends_of(None) == ()
    assert sends_of(one) == (one,)
    assert sends_of(each for each in [one, one]) == (one, one)
    with pytest.raises(TypeError, match="Close, which is not a Send"):
        sends_of([Close()])  # type: ignore[list-item]


# -- Side effects -----------------------------------------------------------------------


async def ring(_event: Opened) -> None: ...


async def ring_with_context(_event: Opened | Closed, _context: EffectContext) -> None: ...


async def with_the_wrong_context(_event: Opened, _context: EventContext) -> None: ...


def not_async(_event: Opened) -> None: ...


def bell(*react: Callable[..., Any], **more: Any) -> Effect:
    return Effect(**{"name": "bell", "react": react, **more})


def test_reactions_are_known_by_the_events_that_they_take() -> None:
    domain = with_reactions(build([DOORS]), [bell(ring_with_context)])
    deeds = domain.effects["bell"].events
    assert set(deeds) == {Opened, Closed}
    assert all(deed.contexts for deed in deeds.values())
    assert domain.reactions == ("bell",)


@pytest.mark.parametrize(
    ("effect", "said"),
    [
        (bell(not_async), "must be `async`"),
        (bell(with_the_wrong_context), "0 services fit .* Always there: EffectContext, Queries"),
        (bell(ring, ring_with_context), "two functions for Opened"),
        (bell(ring, name="a-b"), "name is a word"),
        (bell(ring, attempts=0), "one attempt at least"),
        (bell(ring, rate=0), "a rate above 0"),
        (bell(ring, seconds=0), "some seconds"),
    ],
)
def test_what_is_wrong_with_a_side_effect_is_said(effect: Effect, said: str) -> None:
    with pytest.raises(Misregistered, match=said):
        with_reactions(build([DOORS]), [effect])


def test_a_router_and_a_side_effect_have_different_names() -> None:
    with pytest.raises(Misregistered, match="'bell'"):
        with_reactions(build([DOORS]), [router(shut, name="bell"), bell(ring)])
