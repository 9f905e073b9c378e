"""Every setting: its default, its unit (at the end of its name) and one sentence."""

import json
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field


def _tables(said: Any) -> Any:
    """Tables, from a file; from the environment, the text of them."""
    return json.loads(said) if isinstance(said, str) else said


Role = Literal["submit", "query", "operate"]
"""What a caller of the gateway may do: send commands, ask queries, look at metrics."""


class ApiKey(BaseModel):
    """A caller of the gateway, by the hash of his key; `semel key` makes both."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    hash: str = Field(pattern=r"^sha256:[0-9a-f]{64}$")
    roles: frozenset[Role]


class Settings(BaseModel):
    """What can be set; `load` finds the values and remembers where each came from."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    redis: str = Field(
        "redis://127.0.0.1:7901/0",
        description="The server; this default is where `semel dev` starts its own.",
    )
    namespace: str = Field(
        "semel",
        pattern=r"^[a-z0-9_-]+$",
        description="The first part of every key: several engines may share a Redis.",
    )
    partitions: int | None = Field(
        None, ge=1, le=16384,
        description="A power of two, fixed at creation; unset means 64, or 16 for `semel dev`.",
    )  # fmt: skip
    handlers: str = Field(
        "handlers",
        description="The package that lists `deciders`, `services`, `routers`, `effects`.",
    )
    projections: str = Field(
        "projections", description="The package that lists `projections` and `queries`."
    )
    replay_services: str = Field(
        "",
        description="Of objects that stand in for services in `semel check --replay`: MODULE:LIST.",
    )
    lease_seconds: float = Field(
        1.5, gt=0, le=60, description="How long a dead process keeps what it owned from others."
    )
    heartbeat_seconds: float = Field(
        0.4, gt=0, le=20, description="How often leases are renewed and free ones looked for."
    )
    stall_seconds: float = Field(
        30, gt=0,
        description="A process whose event loop gives no sign of life for so long is given up.",
    )  # fmt: skip
    connect_seconds: float = Field(
        30, ge=0, description="How long a start waits for a Redis that is out of reach."
    )
    drain_seconds: float = Field(
        10, gt=0, description="How long a stop may take to finish what is in hand."
    )
    wait_seconds: float = Field(
        10, gt=0,
        description="How long a client waits for an outcome, or for a view to reach a receipt.",
    )  # fmt: skip
    batch_commands: int = Field(
        256, ge=1, le=1024,
        description="Commands in one commit at the most: its script blocks Redis while it runs.",
    )  # fmt: skip
    batch_bytes: int = Field(
        1_048_576, ge=1024, description="Bytes of commands in one commit at the most."
    )
    batch_events: int = Field(
        500, ge=1, le=10_000,
        description="A commit with this many events takes no further command.",
    )  # fmt: skip
    command_bytes: int = Field(
        1_048_576, ge=1024, description="A larger command is rejected as too_large."
    )
    events_per_command: int = Field(
        1000, ge=1, le=10_000,
        description="A command with more events than this is rejected as too_large.",
    )  # fmt: skip
    event_bytes: int = Field(
        1_048_576, ge=1024,
        description="A command whose events are larger together is rejected as too_large.",
    )  # fmt: skip
    timer_limit_days: int = Field(
        3660, ge=1, le=36_600, description="How far away a timer may be set: ten years and a bit."
    )
    causation_depth: int = Field(
        32, ge=1, le=1000,
        description="How many commands may follow from one another, at once or by routers.",
    )  # fmt: skip
    outcomes_keep_count: int = Field(
        10_000, ge=100,
        description="Outcomes kept and ids remembered per partition; the last minute's stay.",
    )  # fmt: skip
    outcomes_keep_seconds: float = Field(
        86_400, ge=60, description="Outcomes older than this are forgotten."
    )
    commands_keep_count: int = Field(
        1000, ge=1, description="Commands that are done and still kept per partition, to look at."
    )
    id_skew_seconds: float = Field(
        10, ge=0,
        description="How far clocks of clients may be from Redis's, for ids with a time.",
    )  # fmt: skip
    patience_seconds: float = Field(
        0.1, ge=0, le=5,
        description="How long a batch waits for its deciders; what is not decided is deferred.",
    )  # fmt: skip
    decide_seconds: float = Field(
        30, gt=0, description="How long an async decider may take; then its command is failed."
    )
    block_seconds: float = Field(
        0.5, gt=0, description="A decider that keeps the event loop for longer is named in the log."
    )
    retry_attempts: int = Field(
        12, ge=1, description="Attempts at a command whose decider raises; then it is failed."
    )
    retry_seconds: float = Field(
        120, ge=0, description="How long such a command is tried; then it is failed anyway."
    )
    retry_pause_seconds: float = Field(
        0.2, gt=0, description="Before the second attempt; from then on twice as long each time."
    )
    waiting_per_aggregate: int = Field(
        500, ge=1, description="Commands of one aggregate that wait to be decided; more are busy."
    )
    waiting_per_partition: int = Field(
        5000, ge=1, description="Commands of a partition that wait; then it reads no more for now."
    )
    actors: int = Field(
        200_000, ge=1, description="Aggregates that one engine process keeps in memory."
    )
    actors_bytes: int = Field(
        512 * 1024 * 1024, ge=1024,
        description="What they may take together, by estimate; those used longest ago go first.",
    )  # fmt: skip
    snapshot_events: int = Field(
        20, ge=0,
        description="After so many events an aggregate's state is kept as a snapshot; 0 for never.",
    )  # fmt: skip
    reply_seconds: float = Field(
        300, ge=1,
        description="How long a reply waits in its list for the client that asked for it.",
    )  # fmt: skip
    projection_batch_events: int = Field(
        512, ge=1, le=1024, description="Events applied by one script at the most."
    )
    park_after_attempts: int = Field(
        4, ge=1, description="Attempts at an event before a projection parks its aggregate."
    )
    park_after_seconds: float = Field(
        10, gt=0, description="How long these attempts may take; then it is parked anyway."
    )
    parked_limit: int = Field(
        100, ge=0, le=1000,
        description="Aggregates that a projection parks per partition; beyond, it stands still.",
    )  # fmt: skip
    rebuild_on_change: bool | None = Field(
        None,
        description="Whether changed code of a projection builds it anew; unset: in `semel dev`.",
    )
    previous_keep_seconds: float = Field(
        3600, ge=0, description="How long the generation before a flip is kept, to be flipped back."
    )
    audit_load: float = Field(
        0.01, ge=0, le=1,
        description="The share of a worker's time for holding rows against the log; 0 for none.",
    )  # fmt: skip
    alert_lag_seconds: float = Field(
        30,
        gt=0,
        description="A projection whose oldest unread event is older than this is too far behind.",
    )
    alert_for_seconds: float = Field(
        30, ge=0, description="How long something must be wrong, or well again, to be told."
    )
    alert_webhook: str | None = Field(
        None,
        pattern=r"^https?://[^\s/]+",
        description="Where alerts about projections are posted to, as JSON; unset, nowhere.",
    )
    metrics_port: int | None = Field(
        None, ge=0, le=65535,
        description="The port of a daemon's metrics and health; 0 is a free one, unset none.",
    )  # fmt: skip
    metrics_host: str = Field(
        "127.0.0.1", description="The address it serves them at; nothing there asks for a password."
    )
    http_port: int = Field(
        7902, ge=0, le=65535, description="The port of `semel serve`; 0 is a free one."
    )
    http_host: str = Field(
        "127.0.0.1", description="The address it serves at; others than this machine's need keys."
    )
    http_unprotected: bool = Field(
        False, description="Whether it may serve at such an address and ask nobody who he is."
    )
    http_connections: int = Field(
        1000, ge=1, description="Connections it has at once; more are answered 503 and closed."
    )
    http_followers: int = Field(
        500, ge=0, description="Live views it tells at once; more are answered 429."
    )
    http_stall_seconds: float = Field(
        20, gt=0,
        description="Who sends half a request, or takes nothing of an answer, for so long is cut.",
    )  # fmt: skip
    http_rate: float | None = Field(
        None, gt=0,
        description="Requests a second of one caller; twice as many in a burst. Unset, no limit.",
    )  # fmt: skip
    api_keys: Annotated[dict[str, ApiKey], BeforeValidator(_tables)] = Field(
        {}, description="Who may call it, a table each with `hash` and `roles`: `semel key`."
    )
    jwks_url: str | None = Field(
        None,
        pattern=r"^https?://[^\s/]+",
        description="Where the public keys are by which it checks bearer tokens; unset, none is.",
    )
    jwt_issuer: str | None = Field(None, description="Who such a token must be from, its `iss`.")
    jwt_audience: str | None = Field(None, description="Whom it must be for, its `aud`.")
    jwt_roles: str = Field(
        "roles", description="The claim that lists a token's roles, as a list or a text of words."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="The least severe events that are logged."
    )
    log_style: Literal["auto", "text", "json"] = Field(
        "auto", description="Lines to read, or JSON; auto is JSON unless stderr is a terminal."
    )
    services: Annotated[dict[str, dict[str, Any]], BeforeValidator(_tables)] = Field(
        {}, description="What services are opened with, a table each; or JSON of all of them."
    )
