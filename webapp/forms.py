"""Forms of our own pages: taken from our own pages only, with a token that no other site can read."""

import secrets

from flask import Request
from itsdangerous import BadSignature, URLSafeTimedSerializer

from webapp.tokens import MOST_WRITES, Allowance, Refused, same_origin

FIELD = "csrf"
LASTS = 12 * 3600
"""Seconds for which a page that is open may still send its form."""

MOST_BODY = 16 * 1024


class Forms:
    """Hands out tokens, and lets in who brings one back. Tokens of an earlier process are good for nothing."""

    def __init__(self, key: str = "") -> None:
        """A key of its own unless one is given."""
        self._signer = URLSafeTimedSerializer(key or secrets.token_hex(32), salt="form")
        self._writes = Allowance(MOST_WRITES)

    def token(self) -> str:
        """For a hidden field.

        >>> forms = Forms()
        >>> forms.is_ours(forms.token()), forms.is_ours("made-up"), Forms().is_ours(forms.token())
        (True, False, False)
        """
        return str(self._signer.dumps(secrets.token_hex(8)))

    def is_ours(self, token: str) -> bool:
        """Whether it is one of ours, and not too old."""
        try:
            self._signer.loads(token, max_age=LASTS)
        except BadSignature:
            return False
        return True

    def admit(self, request: Request) -> None:
        """Raises Refused. A browser names the page that sends a form: what names none was sent by none."""
        if request.headers.get("Origin") is None:
            raise Refused(403, "Forms are taken from Trivet's own pages. Programs use /api/v1 with the token of [web].")
        same_origin(request)
        if not self.is_ours(request.form.get(FIELD, "")):
            raise Refused(403, "This page is older than the web process that answers. Send it again from here.")
        wait = self._writes.spend()
        if wait:
            raise Refused(429, f"More than {MOST_WRITES} writes a minute. Try again in {wait:.0f} s.")
