"""Which rows there are, and which tests prove them; read from the text of the tests: nothing has to be collected."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

TESTS = Path(__file__).parents[1]
MARK = "threat"
ROWS: Mapping[str, str] = {
    "O1": "A flow is finished in another browser than the one that began it.",
    "O2": "A state is fixed beforehand, or used twice at once.",
    "O3": "A code of one authorization server is sent to another (mix-up).",
    "O4": "A code is intercepted or injected.",
    "O5": "PKCE is stripped from the authorization request.",
    "O6": "A sign-in ends at somebody else's address (open redirect).",
    "O7": "Code or state leak through referrers, caches and logs.",
    "O8": "A return is replayed.",
    "O9": "What a return brings besides the code is tampered with.",
    "O10": "A token endpoint or its answer leads inside the network, or to a stranger.",
    "O11": "A client secret is read back, or used from another workspace.",
    "O12": "Fewer scopes are granted than were asked for.",
    "O13": "A device code is polled too often, or shown to the wrong person.",
    "O14": "An assertion lives too long, fits elsewhere, or its key leaks.",
    "O15": "A disconnected connection lives on.",
    "O16": "A redirect of the token call carries credentials away.",
    "C1": "A sealed value is moved to another row, field or tenant.",
    "C2": "A sealed value is changed or cut.",
    "C3": "A row is set back to an older sealed value.",
    "C4": "A key is lost, changed or not set at the start.",
    "C5": "Keys rotate while the hub serves.",
    "C6": "A rotation is killed half way.",
    "C7": "One row that does not open breaks a list.",
    "C13": "A backup is restored without the key, or holds it.",
    "C14": "Salts and nonces collide.",
    "C15": "A sealed value opens under two keys.",
    "R3": "Many refreshes at once are one call.",
    "R4": "Killed anywhere, everything is recovered or says what to do.",
    "R6": "Malformed input never breaks a door.",
    "R10": "Rotation of many credentials without a failed read.",
    "R11": "The key check at the start is quick.",
    "R16": "No token is used near its end in a month.",
    "R17": "An outage of a provider marks no grant as dead.",
    "R20": "Audit chains are gapless, quick to verify and show every change.",
    "R21": "No mutation of a sealed value in any place ever opens.",
}


def covered() -> dict[str, list[str]]:
    """Return the node ids of the tests that prove each row, also of rows that do not exist."""
    found: dict[str, list[str]] = defaultdict(list)
    for file in sorted(TESTS.rglob("test_*.py")):
        for test, rows in _marked(ast.parse(file.read_text())):
            for row in rows:
                found[row].append(f"{file.relative_to(TESTS.parent)}::{test}")
    return dict(found)


def _marked(module: ast.Module) -> Iterator[tuple[str, list[str]]]:
    """Yield the marked functions that pytest collects, each with its rows."""
    for node in module.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
            marks = [
                call
                for call in node.decorator_list
                if isinstance(call, ast.Call) and ast.unparse(call.func) == f"pytest.mark.{MARK}"
            ]
            rows = [str(ast.literal_eval(argument)) for call in marks for argument in call.args]
            if rows:
                yield node.name, rows


def main() -> None:
    """Print the rows with their tests."""
    found = covered()
    for row, words in ROWS.items():
        print(f"{row:4} {words}", *(f"       {test}" for test in found.get(row, ["(no test)"])), sep="\n")


if __name__ == "__main__":
    main()
