"""Settings from the environment to the app: what gunicorn and `flask` load."""

import sys

from journal import create_app
from journal.config import Settings, UnfitSettings

try:
    app = create_app(Settings.from_env())
except UnfitSettings as unfit:
    sys.exit(f"The journal can't start: {unfit}")
