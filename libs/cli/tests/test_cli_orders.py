"""What the command tells of orders."""

import pytest
import typer
from medkg_cli.exits import ExitCode
from medkg_cli.order_command import answer_line, end
from medkg_cli.pausing import order_about
from medkg_contracts.errors import InvalidRequest
from medkg_contracts.kinds import Kind
from medkg_contracts.orders import Order
from medkg_operations.control import Answer, order_event

ORDER = order_event(Kind.CONTROL_CANCEL, "j-1", Order(by="ann"), source="/test")


@pytest.mark.parametrize(
    ("given", "code"),
    [
        (Answer(ORDER, None, None, None), ExitCode.FAILED),
        (Answer(ORDER, ORDER, Kind.CONTROL_REFUSED, "no such job"), ExitCode.REFUSED),
    ],
)
def test_an_order_that_is_not_obeyed_fails_the_command(given, code):
    """Without an answer the command ends with 1, with a refusal with 5."""
    with pytest.raises(typer.Exit) as caught:
        end([given], json=False)
    assert code == caught.value.exit_code


def test_an_answer_is_a_line():
    """What became of an order is told with its reason."""
    assert "j-1 cancelled" == answer_line(Answer(ORDER, ORDER, Kind.JOB_CANCELLED, None)).plain
    assert "j-1 refused: no such job" == answer_line(Answer(ORDER, ORDER, Kind.CONTROL_REFUSED, "no such job")).plain
    assert "no router answered" in answer_line(Answer(ORDER, None, None, None)).plain


def test_a_scope_is_exactly_one():
    """A pause is about one job, one stage or one tenant."""
    assert "stage:parse" == order_about(None, "parse", None, by="ann", reason="").subject
    for scopes in ((None, None, None), ("j-1", "parse", None)):
        with pytest.raises(typer.BadParameter, match="exactly one"):
            order_about(*scopes, by="ann", reason="")
    with pytest.raises(InvalidRequest, match="name"):
        order_about("no spaces", None, None, by="ann", reason="")
