"""The command line: ``semel VERB …``, one module per verb or family of verbs.

Data goes to stdout and everything else to stderr. Every error is one sentence and an exit
code, which its class knows (`engine.core.errors`). A verb's module is imported when the
verb is used, and what a verb works with when it begins to work: so help is quick.
"""

from engine.edge.cli.verbs import main

__all__ = ["main"]
