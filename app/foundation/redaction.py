"""Taking secrets out of what is shown, recorded or logged: by their value, and by the place they stand in."""

from __future__ import annotations

import json
import re
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final
from urllib.parse import unquote_plus

from app.foundation.bounded_json import JsonRefusedError, parse_json
from app.foundation.secret import STARS, Secret
from app.foundation.secret_forms import SecretForms, covered, views
from app.foundation.secret_names import is_secret_field, is_secret_header, is_secret_when_sent

# A scheme says how a credential is sent, not what it is; whatever else stands there might be the credential.
_SCHEMES: Final = re.compile(
    r"(?:bearer|basic|token|digest|oauth|bot|dpop|apikey|negotiate|aws4-hmac-sha256) +", re.IGNORECASE
)
_JSON_TYPE: Final = re.compile(r"[/+]json\b", re.IGNORECASE)
_USER_INFO: Final = re.compile(r"(?<=://)[^/\s@\"'<>]+(?=@)")
_PAIR: Final = re.compile(
    r"(?P<url>[?&#]?)(?<![A-Za-z0-9_.%\[\]-])(?P<name>[A-Za-z0-9_.%\[\]-]{1,64})=(?P<value>[^&#;\s\"'<>]*)"
)
_FORM_TYPE: Final = "application/x-www-form-urlencoded"
_QUOTED_PAIR: Final = re.compile(
    r"(?P<quote>\\{0,3}[\"'])(?P<name>[A-Za-z0-9_.-]{1,64})(?P=quote)(?P<between>\s*:\s*)"
    r"(?P<value>(?P<mark>\\{0,3}[\"'])(?:(?!(?P=mark))(?:\\.|.))*|[^\s,;{}\[\]\"']+)",
    re.DOTALL,
)
_ELEMENT: Final = re.compile(r"<((?:[A-Za-z0-9_-]{1,64}:)?([A-Za-z0-9_.-]{1,64}))(\s[^<>]*)?>([^<]+)(?=<)")
_MAX_LIVE_SECRETS: Final = 4_096
_GRAM: Final = 4
_NameTest = Callable[[str], bool]


class Redactor:
    """Replaces secrets by stars. It knows some by value, in every form they take, and others by position.

    ``headers``, and ``names`` of parameters and fields, hold secrets besides those that always do (case does not
    matter). Values shorter than four characters are found by position only.
    """

    def __init__(
        self, secrets: Iterable[Secret] = (), *, headers: Iterable[str] = (), names: Iterable[str] = ()
    ) -> None:
        self._forms: tuple[SecretForms, ...] = tuple(secret.forms for secret in secrets)
        self._headers = frozenset(map(str.lower, headers))
        self._names = frozenset(map(str.lower, names))

    def with_names(
        self, secrets: Iterable[Secret], *, headers: Iterable[str] = (), names: Iterable[str] = ()
    ) -> Redactor:
        """Return a redactor that knows these secrets and names too."""
        more = Redactor(secrets, headers=self._headers.union(headers), names=self._names.union(names))
        more._forms += self._forms
        return more

    def data(self, data: bytes) -> bytes:
        """Replace known values, in any form."""
        return covered(data, self._forms, STARS.encode())

    def text(self, text: str) -> str:
        """Replace known values, in any form."""
        return self.data(text.encode("utf-8", "surrogatepass")).decode("utf-8", "surrogatepass")

    def loose_text(self, text: str, *, sent: bool = False) -> str:
        """Replace known values, what stands after a secret's name in text of any syntax, and a URL's user information.

        In a URL's query ``code`` and ``key`` name secrets too; ``sent`` says that they do all through the text.
        """
        return self.text(self._by_name(text, sent=sent))

    def header(self, name: str, value: str) -> str:
        """Replace what is secret in a header's value; the authentication scheme stays."""
        if name.lower() not in self._headers and not is_secret_header(name):
            return self.loose_text(value)
        scheme = _SCHEMES.match(value)
        return (scheme[0] if scheme else "") + STARS

    def json(self, value: Any) -> Any:  # noqa: ANN401 - whatever is logged or recorded
        """Return plain data with secrets replaced at any depth: whole values by name, texts by value."""
        return _walked(value, self._hides(is_secret_field), self.loose_text)

    def body(self, text: str, content_type: str | None, *, sent: bool = False) -> str:
        """Replace what is secret in a body; JSON is read where it can be: its layout does not matter then."""
        folded = (content_type or "").lower()
        if not folded or _JSON_TYPE.search(folded):
            text = self._json_text(text)
        return self.loose_text(text, sent=sent and folded.startswith(_FORM_TYPE))

    def _json_text(self, text: str) -> str:
        try:
            value = parse_json(text.encode("utf-8", "surrogatepass"))
        except JsonRefusedError:
            return text
        # The whole is searched for values later.
        clean = _walked(value, self._hides(is_secret_field), self._by_name)
        return text if clean == value else json.dumps(clean, ensure_ascii=False)

    def _by_name(self, text: str, *, sent: bool = False) -> str:
        in_url = self._hides(is_secret_when_sent)
        hides = in_url if sent else self._hides(is_secret_field)
        if "://" in text:
            text = _USER_INFO.sub(STARS, text)
        if ":" in text:
            text = _QUOTED_PAIR.sub(lambda match: _cover_quoted(match, hides), text)
        if "=" in text:
            text = _PAIR.sub(lambda match: _cover_pair(match, in_url if match["url"] else hides), text)
        if "<" in text:
            text = _ELEMENT.sub(lambda match: _cover_element(match, hides), text)
        return text

    def _hides(self, known: _NameTest) -> _NameTest:
        return lambda name: name.lower() in self._names or known(name)


class SecretRegistry:
    """The live secrets of one hub, for its log processor. The least recently used are forgotten first."""

    def __init__(self, limit: int = _MAX_LIVE_SECRETS) -> None:
        self._limit = limit
        self._secrets: OrderedDict[str, Secret] = OrderedDict()
        self._by_gram: dict[bytes, dict[str, Secret]] = {}

    def remember(self, *secrets: Secret) -> None:
        """Know these secrets from now on."""
        for secret in secrets:
            value = secret.reveal()
            if value not in self._secrets:
                self._secrets[value] = secret
                for needle in secret.forms.needles:
                    self._by_gram.setdefault(needle[:_GRAM], {})[value] = secret
            self._secrets.move_to_end(value)
        while len(self._secrets) > self._limit:
            self._forget(*self._secrets.popitem(last=False))

    def redact(self, value: Any) -> Any:  # noqa: ANN401 - whatever is logged or recorded
        """Return plain data, such as a log line's fields, with live secrets and secret fields replaced."""
        return self._redactor(value).json(value)

    def _redactor(self, value: Any) -> Redactor:  # noqa: ANN401 - whatever is logged or recorded
        """Return a redactor for the few secrets that may stand in the value: a log line cannot try all."""
        found: dict[str, Secret] = {}
        for text in _texts(value):
            for view in views(text):
                for start in range(len(view.data) - _GRAM + 1):
                    sharing = self._by_gram.get(view.data[start : start + _GRAM])
                    if sharing:
                        found.update(sharing)
        return Redactor(found.values())

    def _forget(self, value: str, secret: Secret) -> None:
        for needle in secret.forms.needles:
            sharing = self._by_gram.get(needle[:_GRAM], {})
            sharing.pop(value, None)
            if not sharing:
                self._by_gram.pop(needle[:_GRAM], None)


def _walked(value: Any, hides: _NameTest, clean: Callable[[str], str]) -> Any:  # noqa: ANN401 - whatever is logged or recorded
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, Mapping):
        return {
            clean(str(name)): _starred(one) if hides(str(name)) else _walked(one, hides, clean)
            for name, one in value.items()
        }
    if isinstance(value, list | tuple | set | frozenset):
        return [_walked(one, hides, clean) for one in value]
    if isinstance(value, bytes):
        return clean(value.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")
    return value


def _starred(value: object) -> object:
    return value if value is None or isinstance(value, bool) or value == "" else STARS


def _cover_pair(match: re.Match[str], hides: _NameTest) -> str:
    if not match["value"] or not hides(unquote_plus(match["name"])):
        return match[0]
    return f"{match['url']}{match['name']}={STARS}"


def _cover_quoted(match: re.Match[str], hides: _NameTest) -> str:
    mark, value = match["mark"] or "", match["value"]
    if not hides(match["name"]) or value in {mark, "null", "true", "false"}:
        return match[0]
    return f"{match['quote']}{match['name']}{match['quote']}{match['between']}{mark}{STARS}"


def _cover_element(match: re.Match[str], hides: _NameTest) -> str:
    if not hides(match[2]) or not match[4].strip():
        return match[0]
    return f"<{match[1]}{match[3] or ''}>{STARS}"


def _texts(value: object) -> Iterator[bytes]:
    if isinstance(value, str):
        yield value.encode("utf-8", "surrogatepass")
    elif isinstance(value, bytes):
        yield value
    elif isinstance(value, Mapping):
        for name, one in value.items():
            yield str(name).encode("utf-8", "surrogatepass")
            yield from _texts(one)
    elif isinstance(value, list | tuple | set | frozenset):
        for one in value:
            yield from _texts(one)
