"""What rooms ask whose pages show other people's journals."""

from werkzeug.wrappers import Response

from journal.kit.web import here_again, lead, person


def second_step_first() -> Response | None:
    """Lead to setting up a second step whoever has passed none; None for everybody else. For a blueprint's
    `before_request`, behind the sign-in. Where an account has a factor, no session opens without it, so whoever lacks
    the step has nothing set up yet."""
    return None if person().has_second_step else lead("factors.index", next=here_again())
