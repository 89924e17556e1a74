"""How the platform's users' passwords are kept."""

import secrets

from werkzeug.security import check_password_hash, generate_password_hash

# Cheap by today's advice (OWASP: 2**17): a login should cost the watched machine 30 ms, not a quarter of a second.
METHOD = "scrypt:16384:8:1"


def hash_of(password: str) -> str:
    return generate_password_hash(password, METHOD)


# Checked when there is no such user, so that a wrong name takes as long as a wrong password.
_NOBODYS = hash_of(secrets.token_hex())


def matches(password: str, known: str | None) -> bool:
    """`known` is the hash of the user's password, None when there is no such user."""
    right = check_password_hash(_NOBODYS if known is None else known, password)
    return right and known is not None
