"""Names the values of options and arguments in help texts, where no metavar is given."""

from typing import Any

from typer.core import TyperGroup

_WORDS: dict[Any, str] = {int: "N", float: "NUMBER", str: "TEXT"}


class PlainGroup(TyperGroup):
    """A group of commands whose help shows words for people, not types of Python."""

    def __init__(self, **attributes: Any) -> None:
        """Create the group, and name the values of its commands' options."""
        super().__init__(**attributes)
        _explain(self)


def _explain(command: Any) -> None:
    for child in getattr(command, "commands", {}).values():
        _explain(child)
    make_help = command.get_help_option

    def help_option(context: Any) -> Any:
        option = make_help(context)
        if option is not None:
            option.metavar = ""
        return option

    command.get_help_option = help_option
    for parameter in command.params:
        if parameter.param_type_name == "argument":
            parameter.display_type_rich = lambda ctx: None  # the name says it
        elif parameter.metavar is None:
            parameter.metavar = _word(parameter)


def _word(option: Any) -> str | None:
    described = option.type_descriptor
    if option.is_flag:
        return ""
    if described.is_choice:
        return "|".join(str(getattr(choice, "value", choice)) for choice in described.choices)
    if described.is_datetime:
        return "DATE"
    return _WORDS.get(described.annotation) or str(option.name).upper()
