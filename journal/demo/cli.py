"""The command that fills a believable clinic."""

import click


@click.command()
def demo() -> None:
    """Fill a believable clinic."""
