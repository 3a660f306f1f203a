"""What rooms ask whose pages show other people's journals."""

from werkzeug.wrappers import Response

from journal.kit.web import find_person, here_again, lead


def second_step_first() -> Response | None:
    """Lead to setting up a second step whoever has passed none; None for everybody else. For a blueprint's
    `before_request`; strangers were sent to sign in before it. Where an account has a factor, no session opens without
    it, so whoever lacks the step has nothing set up yet."""
    who = find_person()
    return None if who is None or who.has_second_step else lead("factors.index", next=here_again())
