"""Replaying: the code here meets what has happened, and what it would do otherwise is told.

An aggregate's events are folded once more. On the way each of its commands that is still kept is
decided again, on the state that it met then, and the answer is held against the recorded one.
Nothing follows from it: a replay has a state of its own.

What only its time could answer is left out: commands that were refused for their id, that repeat
others or that killed their process, and those whose deciders ask services that nobody stands in
for.
"""
