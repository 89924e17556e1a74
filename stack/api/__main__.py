"""`python -m stack.api`, configured by the environment: see settings.py, and API_HOST and API_PORT."""

from stack.api.serve import main

main()
