"""``python -m engine.edge.cli``: the same as ``semel``, where nothing is installed."""

from engine.edge.cli import main

main()
