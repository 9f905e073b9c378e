"""What the HTTP gateway measures of itself."""

from prometheus_client import Counter, Gauge, Histogram

from engine.telemetry.metrics import REGISTRY

_REQUEST_SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10)
"""From a health check to a command that was waited for as long as is usual."""

REQUESTS = Counter(
    "semel_gateway_requests_total",
    "Requests that were answered, by route and status; 499 where the caller had gone.",
    ["route", "status"], registry=REGISTRY,
)  # fmt: skip
REQUEST_SECONDS = Histogram(
    "semel_gateway_request_seconds",
    "From a request's head to its answer's, waiting for outcomes and views included.",
    ["route"], registry=REGISTRY, buckets=_REQUEST_SECONDS,
)  # fmt: skip
CONNECTIONS = Gauge("semel_gateway_connections", "Connections that are open.", registry=REGISTRY)
CONNECTIONS_CUT = Counter(
    "semel_gateway_connections_cut_total",
    "Connections that the gateway ended, by why: too many, silent, or taking nothing.",
    ["reason"], registry=REGISTRY,
)  # fmt: skip
FOLLOWERS = Gauge("semel_gateway_followers", "Callers who are told a live view.", registry=REGISTRY)
