"""Groups of options: spelled out for typer, put together again for the command."""

from dataclasses import dataclass
from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

from evorec.cli.grouping import grouped


@dataclass(frozen=True, kw_only=True)
class Place:
    folder: Annotated[str, typer.Argument(help="Where.")]
    deep: Annotated[int, typer.Option(min=1, help="How deep.")] = 2

    def __post_init__(self):
        if self.folder == "nowhere":
            raise ValueError("no such place")


@pytest.fixture
def program():
    app = typer.Typer()

    @app.command()
    @grouped
    def dig(place: Place, loud: Annotated[bool, typer.Option("--loud", help="Say so.")] = False) -> None:
        """Dig a hole."""
        print(place, loud)

    return app


def test_options_of_a_group_are_options_of_the_command(program):
    told = CliRunner().invoke(program, ["garden", "--deep", "3", "--loud"])
    assert told.stdout.strip() == "Place(folder='garden', deep=3) True"
    assert CliRunner().invoke(program, ["garden"]).stdout.strip() == "Place(folder='garden', deep=2) False"


def test_help_names_them_with_the_words_of_the_command(program):
    told = CliRunner().invoke(program, ["--help"]).stdout
    assert "Dig a hole." in told
    assert "--deep" in told and "How deep." in told and "Where." in told


def test_what_a_group_refuses_the_command_refuses(program):
    assert isinstance(CliRunner().invoke(program, ["nowhere"]).exception, ValueError)
    assert CliRunner().invoke(program, ["garden", "--deep", "0"]).exit_code == 2
