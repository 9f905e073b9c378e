"""A dead letter, and what is added again: nothing of an entry is lost, however odd it is."""

from engine.store.commands import DEAD_FIELDS
from tests.contract.mending import FAR, mending
from tests.contract.stores import Store


async def test_a_dead_letter_keeps_every_byte(store: Store, about: str) -> None:
    every = bytes(range(256))
    async with store.session() as session:
        mend = await mending(store, about, session)
        given: dict[str, str | bytes] = {
            "data": every, "aggregate": "", "color": every, "": "é", "meta": "{}",
        }  # fmt: skip
        store.add(mend.key, given, f"{FAR}-0")
        await mend()
        [letter] = mend.letters()
        assert tuple(letter) == DEAD_FIELDS
        assert [letter[name] for name in ("id", "type", "aggregate", "data", "meta")] == [
            b"", b"", b"", every, b"{}",
        ]  # fmt: skip
        others = [text.encode("latin-1") for text in letter["error"]["others"]]
        assert others == [b"color", every, b"", "é".encode()]
        assert letter["attempts"] == b"0"


async def test_of_very_much_that_belongs_to_no_command_the_size_is_kept(
    store: Store, about: str
) -> None:
    async with store.session() as session:
        mend = await mending(store, about, session)
        store.add(mend.key, {"id": "a", "small": "kept", "big": "x" * 2**20}, f"{FAR}-0")
        await mend()
        [letter] = mend.letters()
        assert letter["error"]["others"] == ["small", "kept"]
        assert letter["error"]["others_bytes"] == len("small" + "kept" + "big") + 2**20


async def test_what_was_added_again_is_as_it_was(store: Store, about: str) -> None:
    async with store.session() as session:
        mend = await mending(store, about, session)
        mend.add("intruder", f"{FAR}-0")
        odd: dict[str, str | bytes] = {"zebra": b"\xff\x00", "id": b"", "a": "b"}
        store.add(mend.key, odd)
        await mend()
        [(_, fields)] = store.dump()[mend.key][0]
        assert list(fields.items()) == [(b"zebra", b"\xff\x00"), (b"id", b""), (b"a", b"b")]


async def test_what_no_script_can_hand_on_dies_too(store: Store, about: str) -> None:
    async with store.session() as session:
        mend = await mending(store, about, session)
        mend.add("intruder", f"{FAR}-0")
        wide = store.add(mend.key, {f"f{n}": "" for n in range(4000)})
        store.add(mend.key, {"id": "narrow", **{f"f{n}": "" for n in range(3000)}})
        assert await mend() == ([f"{FAR}-0", wide], 1)
        assert mend.names() == ["narrow"]
        assert [one["error"]["code"] for one in mend.letters()] == ["future_id", "too_many_fields"]
        assert len(mend.letters()[1]["error"]["others"]) == 8000


async def test_what_no_script_can_hand_on_stays_where_it_may(store: Store, about: str) -> None:
    async with store.session() as session:
        mend = await mending(store, about, session)
        mend.add("first")
        wide = store.add(mend.key, {"id": "wide", **{f"f{n}": "" for n in range(4000)}})
        mend.add("intruder", f"{FAR}-0")
        mend.add("behind")
        assert await mend() == ([f"{FAR}-0"], 1)
        assert mend.names() == ["first", "wide", "behind"]
        assert mend.ids()[1] == wide
