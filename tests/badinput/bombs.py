"""YAML that is small and means much, or means nothing: each by its name."""

from collections.abc import Callable, Mapping
from typing import Final

_HEAD: Final = 'version: "1"\nname: x\nstages:\n'


def _laughs(width: int, levels: int) -> str:
    """Aliases of aliases: ``width ** levels`` values."""
    lines = ["a0: &a0 [" + "lol, " * width + "]"]
    lines += [f"a{level}: &a{level} [" + f"*a{level - 1}, " * width + "]" for level in range(1, levels)]
    return "\n".join(lines)


def _stages(count: int, line: Callable[[int], str]) -> str:
    return _HEAD + "".join(f"  - {{{line(number)}}}\n" for number in range(count))


def _misspelt(number: int) -> str:
    """A name that is like every other, and a dependency that is like all of them."""
    return f"name: a{number:028b}, type: ParseStage, depends_on: [a{number:028b}z]"


BOMBS: Final[Mapping[str, str]] = {
    "a billion laughs": _laughs(9, 9),
    "laughs in mappings": "\n".join(
        f"a{n}: &a{n} {{x: {f'*a{n - 1}' if n else 1}, y: *a{max(0, n - 1)}}}" for n in range(60)
    ),
    "an anchor that holds itself": "a: &a [*a, *a]",
    "a mapping that holds itself": "&a {b: *a}",
    "merge keys of merge keys": "\n".join(
        f"a{n}: &a{n} {{<<: [*a{n - 1}, *a{n - 1}]}}" if n else "a0: &a0 {b: 1}" for n in range(60)
    ),
    "deep lists": "[" * 30_000,
    "deep closed lists": "a: " + "[" * 2000 + "]" * 2000,
    "deep mappings": "{a: " * 10_000,
    "deep blocks": "".join(f"{' ' * depth}a:\n" for depth in range(300)),
    "deep dashes": "- " * 30_000,
    "question marks": "? " * 30_000,
    "many anchors": "a: " + "&a " * 20_000,
    "many tags": "a: " + "!!str " * 10_000,
    "many documents": "---\n" * 15_000,
    "many aliases": "a: &a 1\nb: [" + "*a, " * 10_000 + "]",
    "many keys": "\n".join(f"k{number}: 1" for number in range(6000)),
    "twice the same key": "name: x\nname: y\n" * 1000,
    "a huge scalar": "name: " + "x" * 60_000,
    "a huge folded scalar": "name: >\n" + "  x\n" * 15_000,
    "a huge quoted scalar": 'name: "' + "\\\n" * 20_000,
    "escapes": 'name: "' + "\\u0000" * 9_000 + '"',
    "comments": "#" * 65_000,
    "colons": ":" * 65_000,
    "tabs": "\t" * 65_000,
    "more than is read": "a: 1\n" * 100_000,
    "nothing": "",
    "only a document's start": "---",
    "a byte order mark": "\ufeff\ufeffname: x",
    "python objects": "a: !!python/object/apply:os.system ['true']\nb: !!python/name:os.system",
    "python tuples": "!!python/tuple [1, 2]",
    "sets and binaries": "a: !!set {x, y}\nb: !!binary aGk=\nc: !!timestamp 2025-01-01\nd: !!omap [x: 1]",
    "tags that lie": "a: !!int x\nb: !!float []\nc: !!map 1\nd: !!null x\ne: !!bool 5",
    "keys that are no text": "1: a\n[x]: b\n{y: z}: c\n~: d",
    "odd numbers": "a: 0x1F\nb: 1e999\nc: .inf\nd: .nan\ne: -0\nf: 1_000\ng: 0o17\nh: 15:00",
    "a surrogate": 'name: "\\ud800"\n"\\udfff": 1',
    "a bell": "name: \x07",
    "a directive of another version": "%YAML 3.0\n---\nname: x",
    "a directive that nobody knows": "%EVIL yes\n---\nname: x",
    "a directive with a huge number": "%YAML 1." + "9" * 5000 + "\n---\nname: x",
    "a character beyond Unicode": 'name: "\\UFFFFFFFF"',
    "a huge deadline": _stages(1, lambda _: f"name: g, type: Gate, opens_on: a.v1, deadline: {'9' * 400}"),
    "a huge percentage": f'version: "1"\nname: x\nrollout: {{percent: {"9" * 400}}}\nstages: []',
    "a number beyond Python": "rollout: {percent: " + "9" * 5000 + "}",
    "a huge policy": f"policies: {{a: {{timeout: {'9' * 400}, attempts: {'9' * 400}, rate: {'9' * 400}/s}}}}",
    "a huge window": f"window: {'9' * 400}\nwindows: {{a: {'9' * 400}}}\ntenants: {{a: {{weight: {'9' * 400}}}}}",
    "many misspelt names": _stages(450, _misspelt),
    "many misspelt windows": "windows:\n" + "".join(f"  a{number:028b}: 1\n" for number in range(540)),
    "a long ring": _stages(
        500, lambda number: f"name: a{number}, type: ParseStage, depends_on: [a{(number + 1) % 500}]"
    ),
    "all on all": _stages(
        60, lambda number: f"name: a{number}, type: Stage, depends_on: [{', '.join(f'a{n}' for n in range(60))}]"
    ),
    "the same name again": _stages(600, lambda _: "name: a, type: ParseStage"),
    "elements that are none": _HEAD + "  - 1\n  - []\n  - {}\n  - ~\n  - {name: {}}\n  - {name: a, type: {}}\n",
    "a gate of everything": _stages(
        1, lambda _: "name: g, type: gate, opens_on: [], deadline: {}, on_timeout: 1, outputs: x"
    ),
}
