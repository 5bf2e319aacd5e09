"""The recorded form of a request and its answer: what a person may see of them, without their secrets."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from typing import Final

from app.foundation.charsets import decoded
from app.foundation.messages import Headers, InResponse, OutRequest, SandboxRoute
from app.foundation.redaction import Redactor
from app.foundation.secret import STARS

MAX_RECORDED_BYTES: Final = 64 << 10
# What is read beyond the cap, so that a secret that the cap would cut through is still seen whole.
_MARGIN: Final = 16 << 10
_TEXT_TYPE: Final = re.compile(
    r"text/|[/+](?:json|xml|javascript|yaml)\b|x-www-form-urlencoded", re.IGNORECASE
)
_NOT_TEXT: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffd]")
_MAX_ODD_SHARE: Final = 0.01
_NAME_BEFORE: Final = re.compile(
    r"([A-Za-z][A-Za-z0-9_.-]{0,63})[\"'\\]*\s*[:=]\s*[\"'\\]*(?:(?:bearer|token|basic|bot|oauth)\s+)?$",
    re.IGNORECASE,
)
_TOKEN_HEADERS: Final = frozenset({"AUTHORIZATION", "PROXY_AUTHORIZATION"})
# curl writes these itself, from the URL and the body.
_CURL_HEADERS: Final = frozenset({"accept-encoding", "content-length", "host"})
_CURL_GLOB: Final = re.compile(r"[\[\]{}]")
# What is hidden in a text: by stars, or in the path of an address by the name of the value that stands there.
_PLACEHOLDER: Final = re.compile(r"\{(?:credentials|config|application)\.([A-Za-z0-9_.]+)\}")
_HIDDEN: Final = re.compile(f"{re.escape(STARS)}|{_PLACEHOLDER.pattern}")
_HUMP: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_PLAIN_NAME: Final = re.compile(r"[A-Za-z0-9_.-]+")
_SHELLS_OWN: Final = frozenset(
    {"HOME", "IFS", "LANG", "PATH", "PWD", "SHELL", "USER"}
)  # filled in with something else
_SIGNATURE: Final = re.compile(r"OAuth |AWS4-HMAC-SHA256 ")
_FORM_TYPE: Final = "x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class RecordedMessage:
    """A request (``method``) or an answer (``status``) as it is shown and stored; it holds no secret.

    ``body`` is None for a body that is not text; ``body_bytes`` is the true length, before any cut.
    ``redactions`` names the places where something was hidden: ``url``, ``header:<name>``, ``body``.
    """

    method: str | None
    url: str
    status: int | None
    headers: Headers
    body: str | None
    body_bytes: int
    body_truncated: bool
    content_type: str | None
    redactions: tuple[str, ...]


def record_request(
    request: OutRequest, redactor: Redactor, sandbox: SandboxRoute | None = None
) -> RecordedMessage:
    """Return what may be shown of a request; its own secrets are known besides those of ``redactor``.

    The address is the one that was really called: the sandbox's own, where it was sent there.
    """
    knowing = request.redactor(redactor)
    url = knowing.loose_text(request.shown_url)
    is_hidden = url != request.url
    url = sandbox.shown(url) if sandbox else url
    return _recorded(knowing, url, is_hidden, request.headers, request.body or b"", method=request.method)


def record_response(
    response: InResponse, redactor: Redactor, sandbox: SandboxRoute | None = None
) -> RecordedMessage:
    """Return what may be shown of an answer; ``redactor`` is to know its request's secrets: answers echo."""
    url = redactor.loose_text(response.url)
    url = sandbox.shown(url) if sandbox else url
    return _recorded(redactor, url, STARS in url, response.headers, response.body, status=response.status)


def as_curl(recorded: RecordedMessage) -> str:
    """Return a shell command that sends the recorded request again.

    Each hidden value is a shell variable named after its place (``TOKEN``, ``API_KEY``), and everything else is
    quoted. Where one is not filled in, the shell names it and sends nothing. A body that was cut or is not text is not
    in the command, and a comment says so; so does one of a signature.
    """
    words = ["curl", *_curl_method(recorded)]
    url, in_query = _without_last_secret(recorded)
    if _CURL_GLOB.search(_PLACEHOLDER.sub("", url)):
        words.append("--globoff")
    parts = [" ".join(words), _quoted(url, "percent-encoded")]
    if in_query is not None:
        parts.append(f"--get --data-urlencode {_quoted(f'{in_query}={STARS}')}")
    parts += _curl_headers(recorded)
    is_whole = recorded.body is not None and not recorded.body_truncated
    if recorded.body and is_whole:
        if recorded.content_type is None:
            parts.append("-H 'Content-Type:'")  # curl would call it a form
        is_form = _FORM_TYPE in (recorded.content_type or "")
        parts.append(f"--data-raw {_quoted(recorded.body, 'percent-encoded' if is_form else '')}")
    command = " \\\n  ".join(parts)
    if recorded.body_bytes and not is_whole:
        command += "\n# The body is not part of this command."
    if any(_SIGNATURE.match(value) for name, value in recorded.headers if name.lower() == "authorization"):
        command += (
            "\n# The signature is of that one request and its time: another request needs one of its own."
        )
    return command


def _recorded(
    redactor: Redactor,
    url: str,
    hid_in_url: bool,
    headers: Headers,
    body: bytes,
    *,
    method: str | None = None,
    status: int | None = None,
) -> RecordedMessage:
    shown = tuple((name, redactor.header(name, value)) for name, value in headers)
    content_type = next((value for name, value in shown if name.lower() == "content-type"), None)
    text, was_cut, hid_in_body = _shown_body(redactor, body, content_type, sent=method is not None)
    pairs = zip(headers, shown, strict=True)
    places = [
        *(["url"] if hid_in_url else []),
        *(f"header:{before[0].lower()}" for before, after in pairs if before != after),
        *(["body"] if hid_in_body else []),
    ]
    redactions = tuple(dict.fromkeys(places))
    return RecordedMessage(method, url, status, shown, text, len(body), was_cut, content_type, redactions)


def _shown_body(
    redactor: Redactor, body: bytes, content_type: str | None, *, sent: bool
) -> tuple[str | None, bool, bool]:
    """Return the text, whether it was cut and whether something in it was hidden."""
    text = _readable(body, content_type)
    if text is None:
        return None, False, False
    clean = redactor.body(text, content_type, sent=sent)
    data = clean.encode()
    if len(body) > MAX_RECORDED_BYTES + _MARGIN:
        data = data[:-_MARGIN]  # the end of what was read may be the beginning of a secret
    shown = data[:MAX_RECORDED_BYTES].decode(errors="ignore")
    return shown, shown != clean, clean != text


def _readable(body: bytes, content_type: str | None) -> str | None:
    data = body[: MAX_RECORDED_BYTES + _MARGIN]
    text = decoded(data, content_type, is_cut=len(data) < len(body))
    text = data.decode("utf-8", "replace") if text is None else text
    odd = len(_NOT_TEXT.findall(text))
    if content_type and _TEXT_TYPE.search(content_type):
        return text.replace("\x00", "\ufffd")
    return text if odd <= len(text) * _MAX_ODD_SHARE and "\x00" not in text else None


def _curl_method(recorded: RecordedMessage) -> list[str]:
    if recorded.method == "HEAD":
        return ["--head"]
    implied = "POST" if recorded.body and not recorded.body_truncated else "GET"
    return [] if recorded.method in {implied, None} else ["-X", recorded.method or ""]


def _curl_headers(recorded: RecordedMessage) -> list[str]:
    """Return the headers as arguments; a user name and password as curl's own, which codes them."""
    parts = []
    for name, value in recorded.headers:
        folded = name.lower()
        if folded == "authorization" and value == f"Basic {STARS}":
            parts.append('-u "${USERNAME-}:${PASSWORD-}"')  # either may be empty
        elif folded not in _CURL_HEADERS:
            parts.append(f"-H {_quoted(f'{name}: {value}' if value else f'{name};')}")
    return parts


def _without_last_secret(recorded: RecordedMessage) -> tuple[str, str | None]:
    """Return the URL without its last parameter, and its name, where that is a secret that curl can encode itself."""
    url, mark, last = recorded.url.rpartition("&" if "&" in recorded.url else "?")
    name, _, value = last.partition("=")
    if not mark or recorded.body_bytes or value != STARS or not _PLAIN_NAME.fullmatch(name):
        return recorded.url, None
    return url, name


def _quoted(text: str, form: str = "") -> str:
    """Quote for a shell, with a variable in each place of what is hidden."""
    words, at = [], 0
    for hidden in _HIDDEN.finditer(text):
        before = text[at : hidden.start()]
        words += [shlex.quote(before)] if before else []
        name = _shell_name(hidden[1]) if hidden[1] else _variable(before)
        words.append(f'"{_filled_in(name, form)}"')
        at = hidden.end()
    rest = text[at:]
    return "".join([*words, shlex.quote(rest) if rest else ""]) or "''"


def _filled_in(name: str, form: str = "") -> str:
    """Return the use of a shell variable that ends the command with its name where nobody has filled it in."""
    return f"${{{name}:?fill it in first{f', {form}' if form else ''}}}"


def _variable(before: str) -> str:
    found = _NAME_BEFORE.search(before[-200:])
    name = _shell_name(found[1]) if found else ""
    return "TOKEN" if name in _TOKEN_HEADERS else name or "SECRET"


def _shell_name(name: str) -> str:
    """Return a name as shell variables have it: ``apiKey`` and ``api-key`` become ``API_KEY``."""
    plain = re.sub(r"[^A-Z0-9]+", "_", _HUMP.sub("_", name).upper()).strip("_")
    return f"SECRET_{plain}" if plain in _SHELLS_OWN or plain[:1].isdigit() else plain
