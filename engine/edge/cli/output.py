"""What a verb shows: data on stdout, everything else on stderr.

JSON is one envelope, ``{"version": 1, "data": …, "errors": […]}``; lines of JSONL are bare.
Text is for people: colours only on a terminal, and never cut to its width.
"""

import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
import typer

from engine.edge.cli.options import Format

ENVELOPE_VERSION = 1
"""Of the envelope, not of semel: it changes when scripts would have to."""


def show(
    output: Format, data: Any, text: str | Iterable[str], errors: Sequence[Mapping[str, Any]] = ()
) -> None:
    """Show a verb's data in the format asked for; a list's items are JSONL's lines."""
    match output:
        case Format.JSON:
            envelope = {"version": ENVELOPE_VERSION, "data": plain(data), "errors": list(errors)}
            document = msgspec.json.encode(envelope)
            if sys.stdout.isatty():
                document = msgspec.json.format(document, indent=2)
            typer.echo(document)
        case Format.JSONL:
            for item in data if isinstance(data, list) else [data]:
                line(item)
        case Format.TEXT:
            for written in [text] if isinstance(text, str) else text:
                tell(written)


def line(data: Any) -> None:
    """One line of JSONL, on its way at once: who reads may be waiting for it."""
    typer.echo(msgspec.json.encode(plain(data)))


def tell(text: str) -> None:
    """One line of text on stdout."""
    typer.echo(text, color=None if _colours_wanted() else False)


def say(sentence: str, colour: str | None = None) -> None:
    """A sentence for the person at the terminal, on stderr."""
    typer.secho(sentence, fg=colour, err=True, color=None if _colours_wanted() else False)


def paint(text: str, colour: str) -> str:
    """A word in colour, where colours are shown."""
    return typer.style(text, fg=colour)


def _colours_wanted() -> bool:
    return not os.environ.get("NO_COLOR")


def plain(value: Any) -> Any:
    """A value as dicts, lists, texts and numbers; decimals and times are texts."""
    return msgspec.to_builtins(value, str_keys=True, enc_hook=_plain_model)


def _plain_model(value: Any) -> Any:
    """Views may be pydantic models too; anything else is shown as its text."""
    dump = getattr(value, "model_dump", None)
    return dump(mode="json") if dump is not None else str(value)
