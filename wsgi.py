"""Settings from the environment to the app: what gunicorn and `flask` load."""

import sys

from journal import create_app
from journal.config import Settings, UnfitSettings
from journal.domain.instrument import WrongShape

try:
    app = create_app(Settings.from_env())
except (UnfitSettings, WrongShape) as unfit:
    sys.exit(f"The journal can't start: {unfit}")
