"""What can be wrong with a definition: one fault per broken rule, with its place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.foundation.errors import PatchbayError
from app.foundation.problems import ProblemCode, problem


@dataclass(frozen=True, slots=True, order=True)
class DefinitionFault:
    """One broken rule: the file, the place (counted from 1), the rule's stable id and what is wrong.

    Rule ids are ``<stage>/<rule>``: ``file/...``, ``yaml/...``, ``schema/...`` (the format's JSON Schema) and
    ``semantics/...`` (what a schema cannot say).
    """

    file: str
    line: int
    column: int
    rule: str
    message: str

    @classmethod
    def of_file(cls, file: object, rule: str, message: str) -> DefinitionFault:
        """Return a fault of a whole file, at its beginning."""
        return cls(str(file), 1, 1, rule, message)

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {self.rule}: {self.message}"


class DefinitionsInvalidError(PatchbayError):
    """Definitions break rules. ``faults`` holds every one; the problem names the first."""

    def __init__(self, faults: Sequence[DefinitionFault]) -> None:
        self.faults = tuple(faults)
        first = self.faults[0]
        super().__init__(
            problem(
                ProblemCode.DEFINITION_INVALID,
                reason=f"{first.file} line {first.line}: {first.message} ({first.rule})",
                details={"faults": [str(fault) for fault in self.faults[:50]]},
            )
        )
