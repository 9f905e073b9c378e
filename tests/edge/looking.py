"""Looking at a process from outside, as Prometheus and probes do."""

import json
from typing import Any, NamedTuple
from urllib.error import HTTPError
from urllib.request import urlopen

from prometheus_client.parser import text_string_to_metric_families

_SECONDS = 5
"""Nothing that is looked at takes longer to answer."""


class Looked(NamedTuple):
    """What was seen."""

    status: int
    type: str
    body: bytes

    @property
    def json(self) -> Any:
        """The body, where it is JSON."""
        assert self.type == "application/json"
        return json.loads(self.body)


def look(url: str) -> Looked:
    """What is at a URL, whatever its status."""
    try:
        with urlopen(url, timeout=_SECONDS) as answer:  # noqa: S310 -- tests make the URLs
            return Looked(answer.status, answer.headers.get_content_type(), answer.read())
    except HTTPError as error:
        with error:
            return Looked(error.code, error.headers.get_content_type(), error.read())


class Scraped:
    """The metrics of a process, read once as Prometheus reads them."""

    def __init__(self, url: str) -> None:
        seen = look(f"{url}/metrics")
        assert (seen.status, seen.type) == (200, "text/plain")
        self.families = list(text_string_to_metric_families(seen.body.decode()))
        self._samples = {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in self.families
            for sample in family.samples
        }

    def __call__(self, name: str, **labels: str) -> float:
        """One value; 0 where it is not there."""
        return self._samples.get((name, frozenset(labels.items())), 0.0)

    def of(self, name: str) -> list[dict[str, str]]:
        """The labels of every series of a name."""
        return [dict(labels) for found, labels in self._samples if found == name]

    @property
    def names(self) -> set[str]:
        """Every sample's name."""
        return {name for name, _ in self._samples}
