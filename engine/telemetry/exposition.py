"""The metrics, as whoever scrapes them is shown them."""

from importlib.metadata import PackageNotFoundError, version

from prometheus_client import disable_created_metrics, make_wsgi_app
from prometheus_client.exposition import choose_encoder

from engine.telemetry.metrics import BUILD, REGISTRY

exposition = make_wsgi_app(REGISTRY)
"""The WSGI application that shows them all, in the format that its client asks for."""


def exposed(accept: str) -> tuple[bytes, str]:
    """The same where no WSGI is: all metrics in the format accepted, and its media type."""
    encode, media_type = choose_encoder(accept)
    return encode(REGISTRY), media_type


def begin_showing() -> None:
    """What is done once, before the first look: the version is told, and noise turned off."""
    # A process-wide switch of the library, hence not at import: a second series for every
    # counter, with the time when it was made.
    disable_created_metrics()
    try:
        BUILD.labels(version("semel")).set(1)
    except PackageNotFoundError:
        BUILD.labels("not installed").set(1)
