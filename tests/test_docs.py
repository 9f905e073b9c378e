"""What the documents say, held against what is there."""

import re
import tomllib
from collections.abc import Iterable
from pathlib import Path

import pytest
from prometheus_client.metrics import MetricWrapperBase

from engine import telemetry
from engine.core import errors
from engine.edge.cli.verbs import VERBS
from engine.settings import Settings
from engine.store.keys import Keys
from engine.telemetry import actors, gateway, metrics, timing
from engine.telemetry.tallies import Commits, Steps
from tests.pages import MARK, cli_page, settings_page

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "ARCHITECTURE.md", *sorted((ROOT / "docs").glob("*.md"))]

# -- Settings ---------------------------------------------------------------------------


def test_every_setting_stands_in_the_reference_with_its_default_and_sentence() -> None:
    text = (ROOT / "config/semel.toml").read_text()
    described = dict(re.findall(r"^# (.+)\n# ([a-z_]+) = .+$", text, re.MULTILINE))
    shown = tomllib.loads(re.sub(r"^# ([a-z_]+ = )", r"\1", text, flags=re.MULTILINE))
    assert list(shown) == list(Settings.model_fields)
    for name, field in Settings.model_fields.items():
        assert described[field.description or ""] == name
        if field.default is not None:
            assert shown[name] == field.default, name


def test_the_reference_sets_nothing() -> None:
    assert tomllib.loads((ROOT / "config/semel.toml").read_text()) == {}


@pytest.mark.parametrize(
    ("page", "made"), [("settings.md", settings_page()), ("cli.md", cli_page())]
)
def test_pages_that_are_made_from_the_code_are_as_it_is(page: str, made: str) -> None:
    assert (ROOT / "docs" / page).read_text().partition(MARK)[2].strip() == made, "make pages"


def test_the_page_of_the_command_line_has_every_exit_code() -> None:
    listed = re.findall(r"^\| (\d) \|", (ROOT / "docs/cli.md").read_text(), re.MULTILINE)
    ours = [one for one in vars(errors).values() if isinstance(one, type)]
    codes = {one.exit_code for one in ours if issubclass(one, errors.SemelError)}
    assert {*map(int, listed)} == codes | {0}


# -- Keys -------------------------------------------------------------------------------


def _keys_in_code() -> set[str]:
    keys = Keys("semel")
    return {
        keys.meta(), keys.inbox(), keys.inbox_lease(), keys.forwarded(), keys.inbox_dead(),
        keys.nodes(), keys.node("ID"), keys.changes(), keys.watch(), keys.alarms(), keys.schemas(),
        *(
            keys.partition(0, name).replace(":0}", ":P}")
            for name in (
                "commands", "outcomes", "waiting", "late", "events:AGG", "log", "head", "branches",
                "lease", "sources", "snapshot:AGG", "timers", "timer", "dead",
            )
        ),
        *(
            of_generation(0, "NAME", 0).replace(":0}", ":P}").replace("@0", "@GEN")
            for of_generation in (keys.projection, keys.parked, keys.changed)
        ),
        *(
            of_reaction(0, "NAME").replace(":0}", ":P}")
            for of_reaction in (keys.reaction, keys.reaction_parked)
        ),
        keys.live("NAME"), keys.curator("NAME"), keys.auditor("NAME"), keys.schedule("NAME"),
        keys.row("NAME", 0, "ROW").replace("@0", "@GEN"),
        keys.index("NAME", 0, "INDEX").replace("@0", "@GEN") + ":VALUE",
        keys.reply("VALUE"),
    }  # fmt: skip


def test_every_key_stands_in_the_key_table() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text()
    table = re.findall(r"^\| `([^`]+)` \|", text.partition("## Keys")[2], re.MULTILINE)
    assert set(table) == _keys_in_code()


def test_every_key_function_is_in_this_test() -> None:
    functions = {name for name in vars(Keys) if not name.startswith("_") and name != "namespace"}
    assert functions == {
        "meta", "inbox", "inbox_lease", "forwarded", "inbox_dead", "nodes", "node", "changes",
        "watch", "alarms", "schemas",
        "partition", "commands", "outcomes", "waiting", "late", "events", "log", "head",
        "branches", "lease",
        "sources", "snapshot", "timers", "timer", "dead", "projection", "parked", "changed",
        "reaction", "reaction_parked", "curator", "auditor", "schedule", "live", "row", "index",
        "reply",
    }  # fmt: skip


# -- Errors and events ------------------------------------------------------------------


def test_every_error_stands_in_the_tree() -> None:
    drawn = set(re.findall(r"[├└]── (\w+)", errors.__doc__ or "")) | {"SemelError"}
    defined = {
        name
        for name, thing in vars(errors).items()
        if isinstance(thing, type) and issubclass(thing, errors.SemelError)
    }
    assert drawn == defined


def test_every_log_event_is_declared_and_every_declared_one_is_logged() -> None:
    logged: set[str] = set()
    for path in (ROOT / "engine").rglob("*.py"):
        logging = r"(?:log\.(?:debug|info|warning|error)|Ending)\(\s*\"([^\"]+)\""
        logged |= set(re.findall(logging, path.read_text()))
    assert logged == set(telemetry.EVENTS)


# -- Metrics ----------------------------------------------------------------------------

Shown = tuple[str, str, str, str]
"""A metric as the table of them has it: its name, type, labels and meaning."""


def _shown_as(metric: MetricWrapperBase | Commits | Steps) -> list[Shown]:
    """One metric, or all that are made of one tally."""
    if isinstance(metric, MetricWrapperBase):
        return [_row(metric._name, metric._type or "", metric._labelnames, metric._documentation)]
    return [
        _row(each.name, each.type, vars(each)["_labelnames"], each.documentation)
        for each in metric.collect()
    ]


def _row(name: str, type: str, labels: Iterable[str], about: str) -> Shown:
    named = f"{name}_total" if type == "counter" else name
    return named, type, " ".join(f"`{label}`" for label in labels) or "none", about


METRICS = {
    name: _shown_as(one)
    for module in (metrics, timing, actors, gateway)
    for name, one in vars(module).items()
    if isinstance(one, MetricWrapperBase | Commits | Steps)
}


def test_every_metric_stands_in_the_table_with_its_type_labels_and_meaning() -> None:
    text = (ROOT / "docs/operations.md").read_text()
    table = re.findall(r"^\| `(\w+)` \| (\w+) \| (.+?) \| (.+) \|$", text, re.MULTILINE)
    assert table == [row for rows in METRICS.values() for row in rows]
    assert all(name.startswith("semel_") for name, *_ in table)


def test_every_metric_is_counted_somewhere() -> None:
    sources = [path.read_text() for path in (ROOT / "engine").rglob("*.py")]
    for name in METRICS:
        uses = rf"\b{name}\.(?:labels|inc|set|observe|count)\("
        assert any(re.search(uses, source) for source in sources), name


def test_pages_speak_only_of_metrics_that_are_there() -> None:
    names = {name for rows in METRICS.values() for name, *_ in rows}
    for page in PAGES:
        spoken_of = re.findall(r"\bsemel_(?!error\b)[a-z_]+", page.read_text())
        assert {name.removesuffix("_bucket") for name in spoken_of} <= names | {"semel_"}, page


# -- The command line -------------------------------------------------------------------


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_is_in_the_readme(verb: str) -> None:
    assert f"semel {verb}" in (ROOT / "README.md").read_text()


# -- Links and code ---------------------------------------------------------------------


def _anchors(page: Path) -> set[str]:
    """What GitHub calls the headings of a page."""
    heads = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", head.lower()).replace(" ", "-") for head in heads}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target, _, anchor in re.findall(r"\]\(([^)#:]*)(#([^)]*))?\)", page.read_text()):
        there = page.parent / target if target else page
        assert there.exists(), target
        assert not anchor or anchor in _anchors(there), (target, anchor)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_places_in_the_code_exist(page: Path) -> None:
    for place in re.findall(
        r"`((?:engine|core|store|runtime|edge|handlers|projections|tests|web)/[\w./]*)`",
        page.read_text(),
    ):
        here = ROOT / place if (ROOT / place).exists() else ROOT / "engine" / place
        assert here.exists(), place


def test_architecture_stays_short() -> None:
    assert len((ROOT / "ARCHITECTURE.md").read_text().splitlines()) <= 250


def test_the_readme_is_a_front_page() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) <= 220
