"""A JSON object that is read field by field: what no reader has taken is still there at the end."""

from collections.abc import Sequence

from pydantic import JsonValue

from .generic import Object, clean, objects_in


class Fields:
    """The fields of one object. A reader takes a field only when it has the type that the reader knows.

    So a field of an unexpected type, like an unknown one, is among the `rest`, which is written generically.
    """

    def __init__(self, value: Object) -> None:
        self._open = dict(value)

    def take(self, name: str) -> JsonValue:
        """The field's value, whatever it is; None when there is none."""
        return self._open.pop(name, None)

    def text(self, name: str) -> str:
        """The field's text; "" when it has none."""
        value = self._open.get(name)
        if not isinstance(value, str):
            return ""
        del self._open[name]
        return clean(value)

    def objects(self, name: str) -> Sequence[dict[str, JsonValue]]:
        """The objects of a list; none when the field is anything else."""
        found = objects_in(self._open.get(name))
        if found is None:
            return ()
        del self._open[name]
        return found

    def peek(self, name: str) -> JsonValue:
        """The field's value, which stays open."""
        return self._open.get(name)

    def rest(self) -> dict[str, JsonValue]:
        """Takes all that is left."""
        rest, self._open = self._open, {}
        return rest
