import typer

app = typer.Typer(name="xdmod")


@app.command()
def query() -> None:
    """."""
