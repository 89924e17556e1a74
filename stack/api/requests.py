"""What a client may send, as types. msgspec checks; the field at fault is named."""

import re
from typing import Annotated, Any, Literal, TypeVar

import msgspec
import orjson
from flask import Request
from msgspec import Meta, Struct

from stack.api.problems import Invalid

Provider = Literal["aws", "azure", "gcp", "kubernetes", "onprem"]
Status = Literal["draft", "active", "archived"]
UserId = Annotated[int, Meta(ge=1, le=2**63 - 1)]
# PostgreSQL's text holds any character but NUL.
NO_NUL = r"^[^\x00]*$"
Name = Annotated[str, Meta(min_length=1, max_length=200, pattern=NO_NUL)]
Description = Annotated[str, Meta(max_length=4000, pattern=NO_NUL)]
Query = Annotated[str, Meta(min_length=1, max_length=200, pattern=NO_NUL)]
# OFFSET reads what it skips: beyond 500 pages a filter is the better question.
Page = Annotated[int, Meta(ge=1, le=500)]
TOO_DEEP = "The body is nested too deeply."
PerPage = Annotated[int, Meta(ge=1, le=100)]


class ListQuery(Struct, frozen=True, forbid_unknown_fields=True):
    provider: Provider | None = None
    status: Status | None = None
    user_id: UserId | None = None
    q: Query | None = None
    page: Page = 1
    per_page: PerPage = 20


class NewBlueprint(Struct, frozen=True, forbid_unknown_fields=True):
    user_id: UserId
    name: Name
    provider: Provider
    description: Description = ""
    status: Status = "draft"
    definition: dict[str, Any] = {}


class BlueprintChange(Struct, frozen=True, forbid_unknown_fields=True):
    name: Name | None = None
    provider: Provider | None = None
    description: Description | None = None
    status: Status | None = None
    definition: dict[str, Any] | None = None


class Login(Struct, frozen=True, forbid_unknown_fields=True):
    email: Annotated[str, Meta(min_length=3, max_length=320, pattern=NO_NUL)]
    password: Annotated[str, Meta(min_length=1, max_length=1000)]


T = TypeVar("T")


def from_query(request: Request, kind: type[T]) -> T:
    try:
        return msgspec.convert(request.args.to_dict(), kind, strict=False)
    except msgspec.ValidationError as error:
        raise _invalid(error) from None


def from_body(request: Request, kind: type[T]) -> T:
    try:
        body = msgspec.json.decode(request.get_data(cache=False), type=kind)
    except msgspec.ValidationError as error:
        raise _invalid(error) from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise Invalid("The body is not JSON.") from None
    except RecursionError:
        raise Invalid(TOO_DEEP) from None
    _answerable(getattr(body, "definition", None))
    return body


def _answerable(definition: dict[str, Any] | None) -> None:
    """Refuses what could be stored but never read: numbers over 64 bits and depths that orjson does not write."""
    try:
        # As deep as it will be in an answer, and then some.
        orjson.dumps([[definition]])
    except orjson.JSONEncodeError as error:
        raise Invalid(f"{error}.", "definition") from None


def _invalid(error: msgspec.ValidationError) -> Invalid:
    """The field is in msgspec's text only: at its end as a path, or in backquotes when it is missing or unknown.

    >>> _invalid(msgspec.ValidationError("Expected `int` >= 1 - at `$.page`")).field
    'page'
    >>> _invalid(msgspec.ValidationError("Number out of range - at `$.definition[...]`")).field
    'definition'
    >>> _invalid(msgspec.ValidationError("Object missing required field `name`")).field
    'name'
    """
    text = str(error)
    found = re.search(r" - at `\$\.(\w+)[^`]*`$", text) or re.search(r"field `([^`]+)`", text)
    return Invalid(text.partition(" - at `")[0], found[1] if found else None)
