"""The package of a new stage: which files it has, and what is in them."""

import ast
import keyword
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files as resources
from string import Template
from typing import Any, Final

from medkg_contracts import ir, knowledge, vectors
from medkg_contracts.errors import ConfigurationError
from medkg_contracts.model import Contract, Name
from medkg_contracts.requests import JobRequest
from medkg_contracts.stages import ARTIFACT_TYPES, StageContext
from pydantic import TypeAdapter, ValidationError

from . import artifact
from .code import call, camel, imports, mapping, snake

_REQUEST: Final = "request"
_NAME: Final = TypeAdapter[str](Name)
_TEMPLATES: Final = resources(__package__) / "templates"
_SUITE: Final = (("medkg_stagekit.testing", "ComputingStageSuite"), ("medkg_stagekit.testing", "Example"))
#: How many documents the tests are about.
_EXAMPLES: Final = 2


@dataclass(frozen=True)
class StagePackage:
    """What a new stage is called, takes and makes.

    Attributes:
        name: of the stage, its service and its topics.
        module: the package's name in Python.
        inputs: names of artifacts of known types.
        outputs: names of artifacts: lists of known types, or names of its own, for which it gets a type.
    """

    name: str
    module: str
    inputs: Sequence[str]
    outputs: Sequence[str]

    def __post_init__(self) -> None:
        """Check the names.

        Raises:
            ConfigurationError: one of them cannot be used.
        """
        for name in (self.name, *self.outputs):
            _check_name(name)
        for name in self.inputs:
            artifact.require_known(name)
        if not self.inputs or not self.outputs:
            raise ConfigurationError("a stage takes something and makes something", remedy="Name both.")
        if not self.module.isidentifier() or keyword.iskeyword(self.module):
            raise ConfigurationError(
                f"{self.module!r} cannot be a Python package", remedy="Choose another name for it."
            )
        for name in self.outputs:
            if name in ARTIFACT_TYPES and not artifact.is_list(ARTIFACT_TYPES[name]) and name not in self.inputs:
                raise ConfigurationError(
                    f"{name!r} is one {artifact.source(ARTIFACT_TYPES[name])}: there is no empty one to begin with",
                    remedy="Make the stage with an output of its own, and let it return the other by hand.",
                )
        self._check_classes()

    def files(self) -> dict[str, str]:
        """The texts of all files, by their paths in the package's folder."""
        words = {
            "name": self.name,
            "module": self.module,
            "project": self.module.replace("_", "-"),
            "Name": camel(self.name),
            "description": self.description,
            "inputs": ", ".join(f"`{name}`" for name in self.inputs),
            "outputs": ", ".join(f"`{name}`" for name in self.outputs),
            "topology": "\n".join(self.topology_lines()),
        }
        return {
            "pyproject.toml": _filled("pyproject.toml", words),
            "README.md": _filled("README.md", words),
            f"{self.module}/__init__.py": _filled("init.py", words),
            f"{self.module}/py.typed": "",
            f"{self.module}/stage.py": _filled("stage.py", words | self._stage()),
            f"{self.module}/settings.py": _filled("settings.py", words),
            f"{self.module}/app.py": _filled("app.py", words),
            f"tests/test_{snake(self.name)}_stage_suite.py": _filled("suite.py", words | self._suite()),
        }

    @property
    def description(self) -> str:
        """What it does, in a sentence."""
        *others, last = self.outputs
        return f"Makes {', '.join(others)} and {last}" if others else f"Makes {last}"

    def topology_lines(self) -> list[str]:
        """How a topology uses it."""
        before = artifact.producers(self.inputs)
        return [
            f"- name: {self.name}",
            "  type: Stage",
            *([f"  depends_on: [{', '.join(before)}]"] if before else []),
            f"  inputs: [{', '.join(self.inputs)}]",
            f"  outputs: [{', '.join(self.outputs)}]",
        ]

    @property
    def _own(self) -> list[str]:
        """The outputs for which there is no type yet."""
        return [name for name in self.outputs if name not in ARTIFACT_TYPES]

    def _check_classes(self) -> None:
        taken = [camel(name) for name in self._own]
        taken += [f"{camel(self.name)}Stage", f"{camel(self.name)}Settings", "ClassVar"]
        taken += [each.__name__ for each in self._imported]
        if twice := sorted({name for name in taken if taken.count(name) > 1}):
            raise ConfigurationError(
                f"two things of the stage would be called {twice[0]}", remedy="Choose another name for the output."
            )

    @property
    def _imported(self) -> list[type]:
        known = [name for name in (*self.inputs, *self.outputs) if name in ARTIFACT_TYPES]
        found = [artifact.element(ARTIFACT_TYPES[name]) for name in known]
        return list(dict.fromkeys([*found, StageContext, *([Contract] if self._own else [])]))

    def _stage(self) -> dict[str, str]:
        parameters = ["self", "ctx: StageContext"]
        parameters += [f"{name}: {artifact.source(ARTIFACT_TYPES[name])}" for name in self.inputs]
        types = [artifact.source(ARTIFACT_TYPES[n]) if n in ARTIFACT_TYPES else camel(n) for n in self.outputs]
        returned = types[0] if len(types) == 1 else f"tuple[{', '.join(types)}]"
        names = ", ".join(f'"{name}"' for name in self.outputs)
        return {
            "unused": "" if self._own else "# ruff: noqa: ARG002 - what it is given is not used yet\n\n",
            "imports": imports(self._imported),
            "classes": "".join(f"\n\n{self._class(name)}" for name in self._own),
            "names": f"({names},)" if len(self.outputs) == 1 else f"({names})",
            "signature": call("async def execute", parameters, f" -> {returned}:", 1),
            "body": "\n".join(self._body(types)),
        }

    def _class(self, name: str) -> str:
        return "\n".join(
            [
                f"class {camel(name)}(Contract):",
                f'    """The {name} of a document.',
                "",
                "    Attributes:",
                "        doc_id: of the document.",
                *(f"        {each}: {artifact.amount(each).meaning}." for each in self.inputs),
                '    """',
                "",
                "    doc_id: str",
                *(f"    {each}: int" for each in self.inputs),
                "",
            ]
        )

    def _body(self, types: Sequence[str]) -> Iterator[str]:
        if len(self.outputs) == 1:
            yield self._value(self.outputs[0], "return ")
            return
        for name, kind in zip(self.outputs, types, strict=True):
            if name not in self.inputs:
                yield self._value(name, f"{snake(name)}: {kind} = " if name in ARTIFACT_TYPES else f"{snake(name)} = ")
        yield f"        return {', '.join(map(snake, self.outputs))}"

    def _value(self, name: str, before: str) -> str:
        if name in self.inputs:
            return f"        {before}{name}"
        if name in ARTIFACT_TYPES:
            return f"        {before}[]"
        arguments = ["doc_id=ctx.doc_id", *(f"{each}={artifact.amount(each).expression}" for each in self.inputs)]
        return call(f"{before}{camel(name)}", arguments, "", 2)

    def _suite(self) -> dict[str, str]:
        samples = [_text(f"sample_{name}.py").rstrip() for name in self.inputs if name != _REQUEST]
        used = [node.id for node in ast.walk(ast.parse("\n".join(samples))) if isinstance(node, ast.Name)]
        known = vars(ir) | vars(knowledge) | vars(vectors)
        classes: list[Any] = [known[name] for name in dict.fromkeys(used) if name in known]
        if _REQUEST in self.inputs:
            classes.append(JobRequest)
        return {
            "imports": imports(classes, *_SUITE, (self.module, "app")),
            "samples": "".join(f"{sample}\n\n\n" for sample in samples),
            "examples": "\n".join(self._example(number) for number in range(1, _EXAMPLES + 1)),
        }

    def _example(self, number: int) -> str:
        arguments = [mapping([f'"{name}": {name}({number})' for name in self.inputs if name != _REQUEST], 3)]
        if _REQUEST in self.inputs:
            arguments.append(f'JobRequest(source="example", id="{"1" * number}")')
        return call("Example", arguments, ",", 2)


def _check_name(name: str) -> None:
    try:
        _NAME.validate_python(name)
    except ValidationError as error:
        raise ConfigurationError(
            f"{name!r} cannot be a name", remedy="A name is a small letter, then small letters, digits, _ and -."
        ) from error
    if not snake(name).isidentifier() or keyword.iskeyword(snake(name)):
        raise ConfigurationError(f"{name!r} is a word of Python", remedy="Choose another name.")


def _text(name: str) -> str:
    return (_TEMPLATES / f"{name}.txt").read_text()


def _filled(name: str, words: Mapping[str, str]) -> str:
    return Template(_text(name)).substitute(words)
