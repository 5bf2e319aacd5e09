"""The choices of a form's field: pairs of value and label that a method of the connected system gives."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit
from weakref import WeakValueDictionary

from app.access.actor import Actor
from app.access.policy import Permission, require
from app.calls.caller import CallResult, MethodCaller
from app.catalog.definition import Definition, Method
from app.connections.connections import Connections
from app.connections.snapshot import ConnectionSnapshot
from app.credentials.credentials import Credentials
from app.credentials.snapshot import are_usable
from app.foundation.clock import Clock
from app.foundation.errors import PatchbayError, invalid_field
from app.foundation.expressions import compile_pick
from app.foundation.problems import Problem, ProblemCode, problem
from app.foundation.shapes import subschema

KEPT_S: Final = 60.0
MAX_CALLS: Final = 20
MAX_OPTIONS: Final = 2_000
_MAX_KEPT: Final = 500
_MAX_LABEL_CHARS: Final = 300
_Key = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Option:
    """One choice: what the form's field is set to, and what a person reads."""

    value: str | int | float | bool
    label: str


@dataclass(frozen=True, slots=True)
class Options:
    """The choices there are, in the provider's order; not all of them, if the listing was longer or broke off.

    ``problem`` says why there are none, or no more.
    """

    choices: tuple[Option, ...] = ()
    is_complete: bool = True
    problem: Problem | None = None


@dataclass(frozen=True, slots=True)
class _Source:
    """Where a field's choices come from: ``options`` of its schema."""

    method: str
    pick: str
    params: Mapping[str, Any] = field(default_factory=dict)


class FieldOptions:
    """Loads, keeps and searches choices. What one load gave is kept for a minute, in this process."""

    def __init__(
        self, calls: MethodCaller, connections: Connections, credentials: Credentials, clock: Clock
    ) -> None:
        self._calls = calls
        self._connections = connections
        self._credentials = credentials
        self._clock = clock
        self._kept: OrderedDict[_Key, tuple[float, Options]] = OrderedDict()
        self._loading: WeakValueDictionary[_Key, asyncio.Lock] = WeakValueDictionary()

    async def find(
        self, actor: Actor, connection_id: str, path: Sequence[str], search: str | None = None
    ) -> Options:
        """Return the choices of the field at ``path`` whose value or label holds every word of ``search``.

        The path begins with ``config``, or with ``methods``, a method's name and ``params``. What hinders the provider
        from answering is in the result; those whose label begins with the search stand first.

        Raises:
            PermissionDeniedError: the actor may not read and use connections.
            NotFoundError: no such connection.
            InvalidInputError: no field with choices is at the path.
        """
        require(actor, Permission.CONNECTIONS_USE)
        connection = await self._connections.get(actor, connection_id)
        source = _source(self._credentials.definition_of(connection.owner), tuple(path))
        if connection.auth is None or not are_usable(connection.auth):
            return Options(is_complete=False, problem=problem(ProblemCode.NOT_AUTHENTICATED))
        auth = connection.auth
        key = (connection.id, auth.generation, auth.sealed_at, connection.config_revision, *path)
        return _searched(await self._load_once(actor, connection, source, key), search)

    async def _load_once(
        self, actor: Actor, connection: ConnectionSnapshot, source: _Source, key: _Key
    ) -> Options:
        lock = self._loading.setdefault(key, asyncio.Lock())
        async with lock:
            until_s, options = self._kept.get(key, (0.0, Options()))
            if self._clock.monotonic() < until_s:
                return options
            options = await self._load(actor, connection, source)
            if options.problem is None:
                self._keep(key, options)
            return options

    def _keep(self, key: _Key, options: Options) -> None:
        self._kept[key] = (self._clock.monotonic() + KEPT_S, options)
        self._kept.move_to_end(key)
        while len(self._kept) > _MAX_KEPT:
            self._kept.popitem(last=False)

    async def _load(self, actor: Actor, connection: ConnectionSnapshot, source: _Source) -> Options:
        """Call the method page by page, up to ``MAX_CALLS`` calls and ``MAX_OPTIONS`` choices."""
        definition = self._credentials.definition_of(connection.owner)
        method = definition.methods[source.method]
        pick, found = compile_pick(source.pick), dict[str, Option]()
        params: Mapping[str, Any] | None = source.params
        for _ in range(MAX_CALLS):
            fault, result = None, CallResult()
            try:
                result = await self._calls.call(actor, connection.owner, source.method, params or {})
                fault = result.fault
            except PatchbayError as refusal:
                fault = refusal
            if fault is not None:
                return Options(tuple(found.values()), is_complete=False, problem=fault.problem)
            before = len(found)
            for option in _options_of(pick(result.body)):
                found.setdefault(f"{type(option.value).__name__}:{option.value}", option)
            is_over = (
                len(found) == before and method.pagination is not None and method.pagination.style == "page"
            )
            params = None if is_over else _next_params(method, params or {}, result)
            if params is None or len(found) >= MAX_OPTIONS:
                break
        kept = tuple(found.values())[:MAX_OPTIONS]
        return Options(kept, is_complete=params is None and not _goes_on(method, result))


def _source(definition: Definition, path: tuple[str, ...]) -> _Source:
    schema: Mapping[str, Any] = {}
    if path[:1] == ("config",):
        schema = subschema(definition.config, path[1:])
    elif path[:1] == ("methods",) and path[2:3] == ("params",) and path[1] in definition.methods:
        schema = subschema(definition.methods[path[1]].params, path[3:])
    options = schema.get("options")
    if not isinstance(options, Mapping) or len(path) < 2:  # noqa: PLR2004 - the form itself has none
        reason = "no field with options is there; the form's schema says which fields have some"
        raise invalid_field("path", label="The path", reason=reason)
    return _Source(str(options["method"]), str(options["pick"]), options.get("params") or {})


def _options_of(picked: Any) -> Iterator[Option]:  # noqa: ANN401 - JSON edge
    for item in picked if isinstance(picked, list) else ():
        value = item.get("value") if isinstance(item, Mapping) else None
        if isinstance(value, str | int | float | bool) and value != "":
            yield Option(value, str(item.get("label") or value)[:_MAX_LABEL_CHARS])


def _next_params(method: Method, params: Mapping[str, Any], result: CallResult) -> Mapping[str, Any] | None:
    """Return the parameters of the next page, or None where there is none that parameters lead to."""
    paging = method.pagination
    if paging is None:
        return None
    if paging.style == "page":
        return {**params, str(paging.send): int(params.get(str(paging.send)) or 1) + 1}
    step = _next_of(method, result)
    if paging.style == "cursor":
        return {**params, str(paging.send): step} if step else None
    named = {
        name: value
        for name, value in parse_qsl(urlsplit(str(step or "")).query)
        if method.places.get(name) == "query"
    }
    typed = {name: _typed(method, name, value) for name, value in named.items()}
    return {**params, **typed} if typed and typed.items() - params.items() else None


def _goes_on(method: Method, result: CallResult) -> bool:
    """Return whether the answer names a next page, whether or not it can be asked for."""
    return (
        method.pagination is not None and method.pagination.style != "page" and bool(_next_of(method, result))
    )


def _next_of(method: Method, result: CallResult) -> Any:  # noqa: ANN401 - JSON edge
    paging = method.pagination
    if paging is None:
        return None
    if paging.next is not None:
        return compile_pick(paging.next)(result.body)
    for part in result.headers.get("link", "").split(","):
        address, _, rest = part.partition(";")
        if 'rel="next"' in rest.replace("rel=next", 'rel="next"'):
            return address.strip().strip("<>")
    return None


def _typed(method: Method, name: str, text: str) -> Any:  # noqa: ANN401 - JSON edge
    kind = subschema(method.params, (name,)).get("type")
    return int(text) if kind == "integer" and text.isdecimal() else text


def _searched(options: Options, search: str | None) -> Options:
    words = (search or "").casefold().split()
    if not words:
        return options
    found = [
        option
        for option in options.choices
        if all(word in f"{option.label} {option.value}".casefold() for word in words)
    ]
    return replace(options, choices=tuple(_first(found, " ".join(words))))


def _first(options: Iterable[Option], start: str) -> list[Option]:
    return sorted(options, key=lambda option: not option.label.casefold().startswith(start))
