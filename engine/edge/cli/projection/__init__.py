"""Read models: how they fare, and what an operator does about them."""
