"""Schemas of events and commands: described, recorded, compared.

``describing`` says what an event or a command looks like, in one canonical form of JSON Schema.
Engines record that in ``{semel}:schemas``. ``reading`` tells whether what one schema describes
can be read by another, and ``breaking`` what a deployment of the code here would break.
"""
