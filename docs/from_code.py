"""Directives whose text is read from the code, so that it cannot be out of date: columns, names, recipes, commands."""

import inspect
import re
from collections.abc import Iterator, Sequence
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from typer.main import get_command

import evorec
from evorec.cli.main import app
from evorec.core import columns
from evorec.recipes.config import RECIPES

TABLES = {
    "events": (columns.EVENT_COLUMNS, columns.EVENT_SYNONYMS),
    "items": (columns.CATALOGUE_COLUMNS, columns.CATALOGUE_SYNONYMS),
    "users": (columns.USER_COLUMNS, columns.USER_SYNONYMS),
}


def table_of_columns(table: str) -> str:
    """Markdown: our columns of one table, and the names under which each is found."""
    ours, synonyms = TABLES[table]
    rows = [f"| `{name}` | {', '.join(f'`{s}`' for s in synonyms[name] if s != name)} |" for name in ours]
    return "\n".join(["| column | also found as |", "|---|---|", *rows])


def table_of_scorers(recipe: str) -> str:
    """Markdown: the scorers of a recipe and their settings."""
    rows = [
        f"| {spec.name} | `{spec.kind}` | {', '.join(f'`{name}` {value:g}' for name, value in spec.settings.items())} |"
        for spec in RECIPES[recipe]("auto").scorers
    ]
    return "\n".join(["| scorer | kind | settings |", "|---|---|---|", *rows])


def entries(names: Sequence[str]) -> str:
    """Markdown: one reference entry for each of the public `names`."""
    return "\n".join(f"```{{eval-rst}}\n{_entry(name)}```\n" for name in names)


def _entry(name: str) -> str:
    thing = getattr(evorec, name)
    if inspect.isclass(thing):
        return f".. autoclass:: evorec.{name}\n   :members:\n"
    if callable(thing):
        return f".. autofunction:: evorec.{name}\n"
    return f".. py:data:: evorec.{name}\n   :type: {type(thing).__name__}\n"


def commands(group: Any = None, words: tuple[str, ...] = ("evorec",)) -> Iterator[str]:
    """Markdown: a section for each command, with what it takes."""
    for name, command in (group or get_command(app)).commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, (*words, name))
            continue
        program = " ".join((*words, name))
        yield f"## `{program}`\n"
        yield f"{inspect.cleandoc(command.help or '')}\n"
        yield f"```{{eval-rst}}\n.. program:: {program}\n"
        for parameter in command.params:
            yield from _parameter(parameter)
        yield "```\n"


def _parameter(parameter: Any) -> Iterator[str]:
    if parameter.param_type_name == "argument":
        shown = parameter.name.upper()
    else:
        value = "" if parameter.is_flag else " VALUE"
        shown = ", ".join(f"{spelling}{value}" for spelling in parameter.opts)
    yield f".. option:: {shown}\n"
    yield f"   {parameter.help or ''}"
    has_default = parameter.default is not None and parameter.default is not False
    yield "   Required.\n" if parameter.required else f"   Default: ``{parameter.default}``.\n" if has_default else ""


def short_signature(
    sphinx: Sphinx, what: str, name: str, thing: Any, options: Any, signature: str | None, returned: str | None
) -> tuple[str | None, str | None] | None:
    """Signatures as people write them: a class without types, which its docstring tells, and arrays as NDArray."""
    if what in ("class", "exception") and signature:
        parameters = inspect.signature(thing).parameters.values()
        plain = [p.replace(annotation=p.empty, default=_shown(p.default)) for p in parameters]
        return str(inspect.Signature(plain)), None

    def short(annotation: str | None) -> str | None:
        return annotation and re.sub(
            r"(?:~?numpy\.)?ndarray\[.*?dtype\[(?:~?numpy\.)?(\w+)[^]]*\]+", r"NDArray[\1]", annotation
        )

    return short(signature), short(returned)


def _shown(default: Any) -> Any:
    """A default as it is, where that is short."""
    return default if default is inspect.Parameter.empty or len(repr(default)) < 20 else ...


class ColumnTable(SphinxDirective):
    """`columns-table`: the columns of `events`, `items` or `users`."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """The table's nodes."""
        return self.parse_text_to_nodes(table_of_columns(self.arguments[0]))


class ScorerTable(SphinxDirective):
    """`scorers-table`: the scorers of the recipe it names."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """The table's nodes."""
        return self.parse_text_to_nodes(table_of_scorers(self.arguments[0]))


class PublicNames(SphinxDirective):
    """`public-names`: reference entries for the names in its content, separated by spaces."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        """The entries' nodes."""
        return self.parse_text_to_nodes(entries(" ".join(self.content).split()))


class Commands(SphinxDirective):
    """`commands`: everything that the program `evorec` does."""

    def run(self) -> list[nodes.Node]:
        """The sections' nodes."""
        return self.parse_text_to_nodes("\n".join(commands()), allow_section_headings=True)


def setup(sphinx: Sphinx) -> dict[str, bool]:
    """Let Sphinx know the directives."""
    sphinx.add_directive("columns-table", ColumnTable)
    sphinx.add_directive("scorers-table", ScorerTable)
    sphinx.add_directive("public-names", PublicNames)
    sphinx.add_directive("commands", Commands)
    sphinx.connect("autodoc-process-signature", short_signature)
    return {"parallel_read_safe": True}
