"""For a WSGI server: `stack.api.wsgi:api`. `python -m stack.api` starts granian with it, and with the right options."""

import os

from stack.api.app import create_app
from stack.api.settings import Settings

api = create_app(Settings.from_environ(os.environ))
