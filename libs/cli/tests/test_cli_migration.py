"""What `medkg index migrate` tells people, who decide by it."""

from medkg_cli.migration import report_view
from medkg_contracts.errors import InputTooLong
from medkg_contracts.vectors import EmbeddingModel
from medkg_operations.reembedding.comparison import Comparison
from medkg_operations.reembedding.report import DiscardReport, FillReport, SwitchReport
from rich.console import Console

from .calling import medkg

OLD, NEW = (EmbeddingModel(name=name, revision=name[0] * 64, dimension=2) for name in ("a-model", "b-model"))
FILLED = FillReport(
    tenant="acme", live=OLD, beside=NEW, documents=2, chunks=30, truncated=0, seconds=10, per_second=3.0
)


def told(report: FillReport | SwitchReport | DiscardReport) -> str:
    console = Console(width=200)
    with console.capture() as shown:
        for each in report_view(report):
            console.print(each)
    return shown.get()


def test_a_fill_names_the_commands_that_decide() -> None:
    """With its rate; the switch, and how it is given up."""
    text = told(FILLED)

    assert "2 documents and 30 chunks have vectors of b-model@bbbbbbbbbbbb now, in 10.0 s (3.0 chunks/s)" in text
    assert "medkg index migrate --tenant acme --model b-model --switch" in text
    assert "--discard" in text


def test_a_fill_that_had_nothing_to_do_says_so() -> None:
    """As when it is done again to compare."""
    nothing = FILLED.model_copy(update={"documents": 0, "chunks": 0, "per_second": 0.0})

    assert told(nothing).startswith("nothing lacked vectors of b-model@bbbbbbbbbbbb")


def test_a_fill_that_left_documents_out_names_no_switch() -> None:
    """It says which, and what to do."""
    text = told(FILLED.model_copy(update={"failures": {"x:1": InputTooLong("600 tokens").info}}))

    assert "x:1: [input_too_long] 600 tokens" in text
    assert "1 documents were left out. Cut chunks smaller" in text
    assert "--switch" not in text


def test_a_comparison_is_a_table() -> None:
    """What both find, and with judgments which is better."""
    comparison = Comparison(queries=7, overlap=0.5, correlation=None, ndcg_live=0.4, ndcg_beside=0.45)
    text = told(FILLED.model_copy(update={"comparison": comparison}))

    rows = [" ".join(line.split()) for line in text.splitlines()]
    assert {"queries 7", "the first 10 documents, in both 50.0%", "nDCG@10, b-model 0.4500"} <= set(rows)
    assert "order of those in both (Kendall's tau) -" in rows


def test_a_switch_says_how_one_goes_back() -> None:
    """And what the embed stage has to be given; one that had been done says only that."""
    done = SwitchReport(tenant="acme", live=NEW, beside=OLD, documents=0, changed=True, paused_s=0.1)

    assert "have the embed stage use b-model" in told(done)
    assert "back: medkg index migrate --tenant acme --model a-model --switch" in told(done)
    assert "use b-model@bbbbbbbbbbbb already" in told(done.model_copy(update={"changed": False}))


def test_steps_exclude_each_other() -> None:
    """Before anything is asked of a server."""
    result = medkg("index", "migrate", "--model", "x", "--switch", "--discard")

    assert 5 == result.exit_code
    assert "exclude each other" in result.stderr
