"""The HTTP gateway: commands in, answers out, in the words of the web.

::

    serving ──▶ connections ──▶ application ──┬── commands   POST, and what became of one
                (limits of       (who may:    ├── queries    answers, rows, and both live
                 the wire)        doors)      ├── probes     health and metrics
                                              └── openapi    all of this, from the domain

It stands on the SDK's client alone: it reads no events, writes no row and keeps nothing, so any
number of gateways may serve one namespace. Every answer that is not what was asked for is a
problem (`problems`), one kind for each class of `engine.core.errors`.
"""
