"""Commands whose options come in groups: a parameter that is a dataclass of options is spelled out as its fields."""

from collections.abc import Callable
from dataclasses import fields, is_dataclass
from functools import wraps
from inspect import Parameter, Signature, signature
from typing import Any, get_type_hints


def grouped(command: Callable[..., None]) -> Callable[..., None]:
    """`command` as typer reads it: each group among its parameters given as its options, one by one.

    >>> from dataclasses import dataclass
    >>> @dataclass
    ... class Place:
    ...     folder: str
    ...     name: str = "model"
    >>> def save(place: Place, quiet: bool = False) -> None:
    ...     print(place.folder, place.name, quiet)
    >>> list(signature(grouped(save)).parameters)
    ['folder', 'name', 'quiet']
    >>> grouped(save)(folder="here", name="mine", quiet=True)
    here mine True
    """
    hints = get_type_hints(command, include_extras=True)
    groups: dict[str, Any] = {}
    options: list[Parameter] = []
    for parameter in signature(command).parameters.values():
        kind = hints[parameter.name]
        if not is_dataclass(kind):
            options.append(parameter.replace(annotation=kind, kind=Parameter.KEYWORD_ONLY))
            continue
        groups[parameter.name] = kind
        own = get_type_hints(kind, include_extras=True)
        for field in fields(kind):
            default = Parameter.empty if field.default is field.default_factory else field.default
            options.append(Parameter(field.name, Parameter.KEYWORD_ONLY, default=default, annotation=own[field.name]))

    @wraps(command)
    def spelled_out(**given: Any) -> None:
        for name, kind in groups.items():
            given[name] = kind(**{field.name: given.pop(field.name) for field in fields(kind)})
        command(**given)

    spelled_out.__signature__ = Signature(options)  # type: ignore[attr-defined]
    spelled_out.__annotations__ = {option.name: option.annotation for option in options}
    return spelled_out
