"""The door for web servers: ``granian --interface wsgi wsgi:app``."""

from cli import build_app

app = build_app()
