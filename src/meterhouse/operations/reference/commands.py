"""Which commands are there, with which options and defaults? From the command line itself."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from importlib import import_module
from importlib.metadata import entry_points
from inspect import cleandoc
from typing import Any

from typer.main import get_command

from meterhouse.operations.reference.markdown import code, page, table

PROGRAM = "meterhouse"


def commands_page() -> str:
    """Every command in the order in which `meterhouse --help` lists them."""
    top = _command_line()
    parts = [
        f"Every command is called as `{PROGRAM} [--site DIR] COMMAND`; `{PROGRAM} COMMAND --help` says the "
        "same as this page. A command that fails prints one line on standard error and exits with a code "
        "that is not 0: 1 when what was asked can't be done or a check found errors, 2 when the command line "
        "is wrong, 3 when nothing of some file could be taken, 4 when some calls of a reading failed (what "
        "the others said has landed).",
        table(["global option", "meaning", "default"], [_option(one) for one in top.params]),
    ]
    for name, command in commands():
        parts.append(f"## {name}")
        parts.append(" ".join([f"`{PROGRAM} {name}", *_usage(command)]) + "`")
        parts.append(cleandoc(command.help or ""))
        arguments = [one for one in command.params if one.param_type_name == "argument"]
        parts.append(table(["argument", "meaning", "default"], [_argument(one) for one in arguments]))
        options = [one for one in command.params if one.param_type_name == "option" and not one.hidden]
        parts.append(table(["option", "meaning", "default"], [_option(one) for one in options]))
    return page("Commands", *parts)


def commands() -> Iterator[tuple[str, Any]]:
    """Each command by its full name (`report monthly`), without groups and hidden ones."""
    yield from _below(_command_line(), "")


def _command_line() -> Any:
    """The commands as users get them: by the console script, which stands to the right of this folder."""
    (script,) = entry_points(group="console_scripts", name=PROGRAM)
    return get_command(import_module(script.module).app)


def _below(group: Any, prefix: str) -> Iterator[tuple[str, Any]]:
    for name, command in group.commands.items():
        if command.hidden:
            continue
        if hasattr(command, "commands"):
            yield from _below(command, f"{prefix}{name} ")
        else:
            yield f"{prefix}{name}", command


def _usage(command: Any) -> list[str]:
    words = []
    for one in command.params:
        if one.param_type_name == "option" and one.required:
            words.append(f"{one.opts[0]} {_value(one)}")
        elif one.param_type_name == "argument":
            words.append(_value(one) if one.required else f"[{_value(one)}]")
    has_more = any(
        one.param_type_name == "option" and not (one.required or one.hidden) for one in command.params
    )
    return [*words, "[OPTIONS]"] if has_more else words


def _argument(argument: Any) -> tuple[str, str, str]:
    return code(_value(argument)), argument.help or "", _default(argument)


def _option(option: Any) -> tuple[str, str, str]:
    names = ", ".join(option.opts)
    value = "" if option.is_flag else f" {_value(option)}"
    often = " May be given several times." if option.multiple else ""
    return code(names + value), (option.help or "") + often, _default(option)


def _value(parameter: Any) -> str:
    """The word that stands for a value: the choices, where it is one of a few."""
    if isinstance(parameter.default, Enum):
        return "|".join(str(choice.value) for choice in type(parameter.default))
    return str(parameter.metavar or parameter.name.upper())


def _default(parameter: Any) -> str:
    default = parameter.default
    if parameter.required:
        return "required"
    if default is None or default == "" or default is False:
        return ""
    return code(str(default.value) if isinstance(default, Enum) else str(default))
