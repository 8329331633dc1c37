"""Errors become exit codes and say what to do."""

import pytest
import typer
from medkg_cli.app import COMMANDS, build
from medkg_cli.exits import MEANINGS, Commands, ExitCode, code_of, run
from medkg_contracts import errors
from typer.testing import CliRunner


def app_that_raises(error: BaseException) -> typer.Typer:
    app = typer.Typer(cls=Commands)

    @app.callback()
    def group() -> None:
        """A group, so that its class takes part."""

    @app.command()
    def act() -> None:
        raise error

    return app


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.KafkaUnavailable(), 4),
        (errors.LedgerUnavailable(), 4),
        (errors.IndexUnavailable(), 4),
        (errors.IndexMissing(), 3),
        (errors.SourceUnavailable(), 4),
        (errors.TopologyInvalid(), 5),
        (errors.TopologyUnknown(), 3),
        (errors.InvalidRequest(), 5),
        (errors.ConfigurationError(), 5),
        (errors.SourceRefused(), 5),
        (errors.StageTimeout(), 1),
        (errors.NotFound(), 3),
        (errors.Unfinished(), 1),
        (errors.StageBug(), 70),
    ],
)
def test_an_error_has_its_exit_code(error, code):
    """Every class of errors ends the command with its documented code."""
    assert code == code_of(error)


def test_an_error_says_what_to_do():
    """An expected error is two lines on standard error: what is wrong and what to do; no stack trace."""
    result = CliRunner().invoke(app_that_raises(errors.KafkaUnavailable("nobody listens")), ["act"])
    expected = f"error [kafka_unavailable]: nobody listens\n-> {errors.KafkaUnavailable.remedy}\n"
    assert (4, expected, "") == (result.exit_code, result.stderr, result.stdout)


@pytest.mark.parametrize(
    "words",
    [["search", "a\udcff"], ["submit", "ctgov", "--query", "cond=\udcff"], ["job", "cancel", "j", "--by", "\udc80"]],
)
def test_an_argument_that_is_not_utf_8_is_wrong_usage(words):
    """Bytes that are no text are refused as that, before anything is asked or sent."""
    result = CliRunner().invoke(build(words[0]), words)

    assert 2 == result.exit_code
    assert "is not UTF-8" in result.stderr


def test_an_unexpected_error_is_a_bug():
    """What nobody expected is called a bug and shows its stack trace."""
    result = CliRunner().invoke(app_that_raises(KeyError("surprise")), ["act"])
    assert 70 == result.exit_code
    assert "KeyError: 'surprise'" in result.stderr


def test_an_interruption_is_no_error():
    """Ctrl-C ends the command without a word."""
    result = CliRunner().invoke(app_that_raises(KeyboardInterrupt()), ["act"])
    assert (130, "") == (result.exit_code, result.stderr)


def test_wrong_usage_has_its_own_code():
    """An unknown option is wrong usage."""
    assert 2 == CliRunner().invoke(build(), ["status", "--nonsense"]).exit_code


def test_the_help_lists_every_command_and_code():
    """`medkg --help` is complete."""
    text = CliRunner().invoke(build(), ["--help"], env={"COLUMNS": "200"}).stdout
    assert [] == [name for name in (*COMMANDS, *MEANINGS.values()) if name not in text]


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_can_be_had_alone(command):
    """Only what a command needs is imported when it alone is run, and it takes `--json` or has commands that do."""
    result = CliRunner().invoke(build(command), [command, "--help"], env={"COLUMNS": "200"})
    assert 0 == result.exit_code
    assert "--json" in result.stdout or "Commands" in result.stdout


def test_a_wrong_setting_is_named(monkeypatch: pytest.MonkeyPatch):
    """A setting that cannot be read is an error with its name, not a stack trace."""
    monkeypatch.setenv("MK_REPLAY_PORT", "none")
    result = CliRunner().invoke(build("ps"), ["ps"])
    assert ExitCode.REFUSED == result.exit_code
    assert "MK_REPLAY_PORT" in result.stderr


def test_run_gives_the_result():
    """A command's asynchronous part gives its result."""

    async def answer() -> int:
        return 42

    assert 42 == run(answer())
