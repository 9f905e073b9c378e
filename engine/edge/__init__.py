"""What the outside touches: the SDK, the command line, the embedded server."""
