"""What an operation may ask for: every limit, and the measurement of a document against them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionNode,
)

MAX_DEPTH: Final = 12
MAX_ALIASES: Final = 30
MAX_DIRECTIVES: Final = 50
MAX_TOKENS: Final = 2_000
MAX_DOCUMENT_CHARS: Final = 65_536
MAX_COMMENTS: Final = 1_000
MAX_COMPARISONS: Final = 20_000
"""How much validation may compare: fields of one name with each other, and fragments."""
MAX_BODY_BYTES: Final = 1_048_576
MAX_FRAME_BYTES: Final = 262_144
MAX_COST: Final = 10_000
SIGNED_OUT_TOKENS: Final = 400
SIGNED_OUT_COST: Final = 100
SIGNED_OUT_BODY_BYTES: Final = 16_384
SIGNED_OUT_FRAME_BYTES: Final = 4_096
MAX_ERRORS: Final = 20
QUERY_DEADLINE_S: Final = 10.0
MUTATION_DEADLINE_S: Final = 60.0
MAX_OPERATIONS_PER_SOCKET: Final = 20
STREAM_RETRY_S: Final = 15.0
"""After how long one who has too many streams open may try again: by then streams without access have ended too."""
FRAME_BURST: Final = 200
FRAMES_PER_S: Final = 20.0


class TooMuchError(Exception):
    """An operation asks for more than ``limit`` allows, which is ``maximum``; for those who sign in it may be more."""

    def __init__(self, limit: str, maximum: int, *, signed_in: bool = True) -> None:
        self.limit = limit
        self.maximum = maximum
        self.signed_in = signed_in
        super().__init__(f"{limit} {maximum}")


@dataclass(frozen=True, slots=True)
class Measures:
    """How much a document asks for, with every fragment counted as often as it is spread."""

    depth: int
    aliases: int
    directives: int
    field_names: frozenset[str]
    operations: int

    def check(self) -> None:
        """Hold the document against the limits.

        Raises:
            TooMuchError: the first limit that it breaks.
        """
        for limit, value, maximum in (
            ("depth", self.depth, MAX_DEPTH),
            ("aliases", self.aliases, MAX_ALIASES),
            ("directives", self.directives, MAX_DIRECTIVES),
        ):
            if value > maximum:
                raise TooMuchError(limit, maximum)


@dataclass(slots=True)
class _Sums:
    """What a selection adds up to. A fragment is summed once, however often it is spread: no blow-up."""

    depth: int = 0
    aliases: int = 0
    directives: int = 0

    def add(self, other: _Sums, *, deeper: int = 0) -> None:
        self.depth = max(self.depth, other.depth + deeper)
        self.aliases += other.aliases
        self.directives += other.directives


def measure(document: DocumentNode) -> Measures:
    """Measure every operation of a document, and the fragments that nobody spreads; the greatest counts.

    Fields below ``__schema`` and ``__type`` do not count towards the depth: a rule of their own bounds them.
    """
    return _Measuring(document).result()


@dataclass(slots=True)
class _Measuring:
    document: DocumentNode
    fragments: dict[str, FragmentDefinitionNode] = field(default_factory=dict)
    known: dict[str, _Sums] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)

    def result(self) -> Measures:
        definitions = self.document.definitions
        self.fragments = {
            definition.name.value: definition
            for definition in definitions
            if isinstance(definition, FragmentDefinitionNode)
        }
        operations = [one for one in definitions if isinstance(one, OperationDefinitionNode)]
        sums = [self._operation(operation) for operation in operations]
        sums += [self._unspread(fragment) for fragment in self.fragments.values()]
        return Measures(
            depth=max((one.depth for one in sums), default=0),
            aliases=max((one.aliases for one in sums), default=0),
            directives=max((one.directives for one in sums), default=0),
            field_names=frozenset(self.names),
            operations=len(operations),
        )

    def _operation(self, operation: OperationDefinitionNode) -> _Sums:
        sums = self._selections(operation.selection_set.selections)
        sums.directives += len(operation.directives or ())
        sums.directives += sum(len(one.directives or ()) for one in operation.variable_definitions or ())
        return sums

    def _selections(self, selections: tuple[SelectionNode, ...]) -> _Sums:
        sums = _Sums()
        for selection in selections:
            sums.directives += len(selection.directives or ())
            if isinstance(selection, FieldNode):
                self._field(selection, sums)
            elif isinstance(selection, InlineFragmentNode):
                sums.add(self._selections(selection.selection_set.selections))
            elif isinstance(selection, FragmentSpreadNode):
                sums.add(self._fragment(selection.name.value))
        return sums

    def _field(self, node: FieldNode, sums: _Sums) -> None:
        self.names.add(node.name.value)
        sums.aliases += node.alias is not None
        below = self._selections(node.selection_set.selections) if node.selection_set else _Sums()
        if node.name.value.startswith("__"):
            below.depth = 0
        sums.add(below, deeper=1)

    def _unspread(self, fragment: FragmentDefinitionNode) -> _Sums:
        sums = self._fragment(fragment.name.value)
        if fragment.type_condition.name.value.startswith("__"):
            return _Sums(0, sums.aliases, sums.directives)
        return sums

    def _fragment(self, name: str) -> _Sums:
        if name not in self.known:
            self.known[name] = _Sums()  # a cycle counts as nothing here; validation refuses it
            fragment = self.fragments.get(name)
            if fragment is not None:
                sums = self._selections(fragment.selection_set.selections)
                sums.directives += len(fragment.directives or ())
                self.known[name] = sums
        return self.known[name]
