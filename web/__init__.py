"""The order shop in a web application of one's own: semel's buses behind routes that are yours."""
