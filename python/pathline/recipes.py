"""Recipes: everything that decides a training, as a file, a text or a dictionary."""
from __future__ import annotations

import json
import os
from typing import Any, Dict, List, Mapping, Union

from . import _core
from .errors import InputError

__all__ = ["recipe_keys"]

Recipe = Union[str, "os.PathLike[str]", Mapping[str, Any], None]


def recipe_keys() -> List[Dict[str, str]]:
    """Lists every key of a recipe.

    Returns:
        A dictionary for each key, with ``key``, ``default``, ``allowed`` (the values or the range) and ``description``.

    >>> import pathline
    >>> [entry["default"] for entry in pathline.recipe_keys() if entry["key"] == "solver.evaluation.rtol"]
    ['1e-06']
    """
    return _core.recipe_keys()


def to_value(value: Any) -> str:
    """Writes a value of Python in TOML."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (str, os.PathLike)):
        return json.dumps(os.fspath(value), ensure_ascii=False).replace("\x7f", "\\u007f")  # a string in JSON is one in TOML
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{json.dumps(str(key))} = {to_value(item)}" for key, item in value.items()) + "}"
    if isinstance(value, (list, tuple)) or hasattr(value, "tolist") and getattr(value, "ndim", 0) > 0:
        return "[" + ", ".join(to_value(item) for item in value) + "]"
    if hasattr(value, "item"):
        value = value.item()  # of NumPy
    if isinstance(value, bool):
        return to_value(value)
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return repr(value).replace("infinity", "inf")
    raise InputError(f"recipe: {value!r} is not a value of TOML")


def to_toml(recipe: Mapping[str, Any], prefix: str = "") -> str:
    """Writes a dictionary, nested or with dotted keys, as the text of a recipe."""
    lines = []
    for key, value in recipe.items():
        if isinstance(value, Mapping):
            lines.append(to_toml(value, f"{prefix}{key}."))
        elif value is not None:
            lines.append(f"{prefix}{key} = {to_value(value)}\n")
    return "".join(lines)


def to_core(recipe: Recipe, assignments: Mapping[str, Any]) -> _core.Recipe:
    """Reads a recipe, and sets the keys of assignments that are not None."""
    text, name = "", "recipe"
    if isinstance(recipe, Mapping):
        text = to_toml(recipe)
    elif isinstance(recipe, str) and ("\n" in recipe or "=" in recipe):
        text = recipe
    elif recipe is not None:
        if not isinstance(recipe, (str, os.PathLike)):
            raise InputError(f"recipe = {recipe!r}: expected a file, its text or a dictionary")
        name = os.fspath(recipe)
        text = _core.read_recipe(name).to_toml()
    lines = [f"{key}={to_value(value)}" for key, value in assignments.items() if value is not None]
    return _core.Recipe(text, name, lines)
