"""Cut out of ``core/intake.py``: whether an aggregate belongs to this partition."""

from engine.core.intake import Intake, Received
from engine.core.refusal import Refusal
from tests.faults.mutants.client import ANN, HOME
from tests.faults.mutants.judging import judge
from tests.faults.mutants.knife import Knife
from tests.faults.mutants.world import World


async def test_a_client_that_computes_another_partition(knife: Knife, world: World) -> None:
    """A client of another make gets the CRC wrong, and sends a command to another partition.

    The customer that it is for lives in her own. The owner of the other one has never heard of
    her, and would register her again: she would live twice, each time with her own history.
    """
    seen = Intake._address_fault

    def blind(intake: Intake, received: Received, raw_id: bytes) -> Refusal | None:
        refusal = seen(intake, received, raw_id)
        if refusal is None or refusal.code != "wrong_partition":
            return refusal
        received.key, received.addressed = (received.aggregate, received.id), True
        return None

    knife.code(Intake, "_address_fault", blind)
    async with world.owner(), world.owner(number=HOME + 1):
        await world.answer(world.client.register("c-1", ANN, "Ann"))
        wrong = await world.answer(world.client.register("c-2", ANN, "Anna", HOME + 1))
    assert wrong.status == ("accepted" if knife.cuts else "rejected")
    await judge(world, knife, "verify: wrong_partition")
