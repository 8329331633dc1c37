"""Writes small test collections in BEIR's layout."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

CORPUS = [
    {"_id": "d1", "title": "Scale models", "text": "Heated wings."},
    {"_id": "d2", "title": "", "text": "Shear flow past a plate."},
    {"_id": "d3", "title": "Slabs", "text": ""},
]
QUERIES = [{"_id": "q1", "text": "heated  wings"}, {"_id": "q2", "text": "shear flow"}]
TEST = ["query-id\tcorpus-id\tscore", "q1\td1\t3", "q2\td2\t1", "q2\td1\t0"]


def beir_folder(
    folder: Path,
    corpus: Sequence[Mapping[str, object] | str] = CORPUS,
    queries: Sequence[Mapping[str, object] | str] = QUERIES,
    **splits: Sequence[str],
) -> Path:
    """A folder of these rows; a row that is text is written as it is."""
    (folder / "qrels").mkdir(parents=True)
    for name, rows in (("corpus", corpus), ("queries", queries)):
        lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
        (folder / f"{name}.jsonl").write_text("".join(f"{line}\n" for line in lines))
    for split, lines in (splits or {"test": TEST}).items():
        (folder / "qrels" / f"{split}.tsv").write_text("".join(f"{line}\n" for line in lines))
    return folder
