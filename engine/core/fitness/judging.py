"""All that is judged of a server, in the order in which it is told."""

from engine.core.fitness.durability import durability_checks
from engine.core.fitness.facts import Check, Facts
from engine.core.fitness.memory import memory_checks
from engine.core.fitness.server import server_checks
from engine.core.fitness.surroundings import clock_check, package_checks, rights_check


def judge(facts: Facts, namespace: str, skew_seconds: float) -> list[Check]:
    """Everything there is to say, what is well too."""
    return [
        *server_checks(facts),
        *durability_checks(facts),
        *memory_checks(facts),
        rights_check(facts, namespace),
        clock_check(facts, skew_seconds),
        *package_checks(facts),
    ]
