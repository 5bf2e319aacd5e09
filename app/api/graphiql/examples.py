"""The example tabs GraphiQL opens with: the journey from catalog to CONNECTED, in the order one walks it."""

from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Final, TypedDict

FOLDER: Final = files("app.api.graphiql") / "examples"


class Tab(TypedDict):
    """What GraphiQL takes for one tab: the document, and its variables as JSON text."""

    query: str
    variables: str


def example_tabs() -> list[Tab]:
    """Read the tabs in order: `<nn>-<what>.graphql`, with its variables in the `.json` of the same name."""
    documents = sorted(
        (each for each in FOLDER.iterdir() if each.name.endswith(".graphql")),
        key=lambda document: document.name,
    )
    return [_tab(document) for document in documents]


def _tab(document: Traversable) -> Tab:
    variables = FOLDER / document.name.replace(".graphql", ".json")
    return {
        "query": document.read_text(encoding="utf-8"),
        "variables": variables.read_text(encoding="utf-8").strip() if variables.is_file() else "",
    }
