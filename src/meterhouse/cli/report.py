import typer

app = typer.Typer(name="report")


@app.command()
def monthly() -> None:
    """."""
