"""How it stands with help for whoever is here: asked once for a page, whoever needs it."""

from journal.accounts import present
from journal.flags.queries import Standing, get_standing
from journal.kit.web import unit


def standing() -> Standing:
    session = unit()
    if "standing" not in session.info:
        session.info["standing"] = get_standing(session, present.viewer(), present.today())
    found: Standing = session.info["standing"]
    return found
