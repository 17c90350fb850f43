"""eutonia serve: web page, HTTP API and CDS Hooks on one machine."""

import click

from eutonia.cli.common import speaks_plainly


@click.command("serve", short_help="Web page, HTTP API and CDS Hooks.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port", default=8000, show_default=True, type=click.IntRange(0, 65535), help="Port to listen on."
)
@click.option("--workers", default=1, show_default=True, type=click.IntRange(1, 64), help="Worker processes.")
@speaks_plainly
def command(host: str, port: int, workers: int) -> None:
    """Serve the page at /, CDS Hooks at /cds-services and the HTTP API with its documentation at /docs.

    Everything else is set by environment variables: see docs/how-to/serve.md.

    Example: eutonia serve --port 8000
    """
    from eutonia.web.serving import serve

    serve(host, port, workers)
