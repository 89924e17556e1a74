"""The pages for any WSGI server: `granian --interface wsgi wsgi:app`. TRIVET_CONFIG names the config file."""

from commands.pages import build_app

app = build_app()
