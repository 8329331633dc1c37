"""The connection to Neo4j: transactions that are tried again as its driver does, and errors of our tree."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Final, TypeVar

from medkg_contracts.errors import ConfigurationError, GraphUnavailable, InvalidRequest, Unfinished
from neo4j import READ_ACCESS, AsyncDriver, AsyncGraphDatabase, AsyncManagedTransaction, AsyncTransaction, unit_of_work
from neo4j.exceptions import (
    AuthError,
    DatabaseError,
    DriverError,
    Neo4jError,
    TransientError,
)
from neo4j.exceptions import (
    ConfigurationError as DriverConfigurationError,
)

T = TypeVar("T")
Row = dict[str, Any]
Work = Callable[["Transaction"], Awaitable[T]]

_ACQUISITION_S: Final = 30.0
#: So much longer than Neo4j itself may take do we wait for it to say that it has given up.
_GRACE_S: Final = 3.0
_TIMED_OUT: Final = "TransactionTimedOut"
_OUT_OF_MEMORY: Final = "MemoryPoolOutOfMemory"
_CREDENTIALS: Final = "Give MK_NEO4J_USER and MK_NEO4J_PASSWORD of an account that Neo4j knows."


class Transaction:
    """One transaction: all of its statements take effect together, or none does."""

    def __init__(self, transaction: AsyncManagedTransaction) -> None:
        self._transaction = transaction

    async def run(self, statement: str, **parameters: object) -> list[Row]:
        """Run a statement, whose text is ours, and take all of its rows."""
        result = await self._transaction.run(statement, parameters)
        return [record.data() async for record in result]


class GraphServer:
    """A Neo4j, asked over Bolt; several tasks may use it at once.

    Attributes:
        retries: how many times a transaction that writes was begun again, as after a deadlock.
    """

    def __init__(
        self, url: str, *, user: str = "", password: str = "", database: str = "neo4j", timeout_s: float = 30.0
    ) -> None:
        """Describe the connection; it is made when first needed.

        Args:
            url: such as ``bolt://127.0.0.1:7687``.
            user: "" where Neo4j asks for no credentials.
            password: of the user.
            database: which of Neo4j's databases.
            timeout_s: how long a transaction may take with all its tries, where Neo4j has a deadlock or does not
                answer. Neo4j itself ends what takes longer, so that it holds up nobody else.

        Raises:
            ConfigurationError: the URL is none of Neo4j's.
        """
        self._url, self._database, self._timeout_s = url, database, timeout_s
        self.retries = 0
        try:
            self._driver: AsyncDriver = AsyncGraphDatabase.driver(
                url,
                auth=(user, password) if user else None,
                max_transaction_retry_time=timeout_s,
                connection_acquisition_timeout=_ACQUISITION_S,
                connection_timeout=min(timeout_s, _ACQUISITION_S),
                notifications_min_severity="OFF",
            )
        except (DriverConfigurationError, ValueError) as error:
            raise ConfigurationError(f"MK_NEO4J_URL: {error}") from error

    async def close(self) -> None:
        """Close the connections."""
        await self._driver.close()

    async def write(self, work: Work[T]) -> T:
        """Do the work in a transaction, again where Neo4j says that another try may succeed.

        Raises:
            GraphUnavailable: it did not answer, or refused for the moment, for as long as is tried.
            ConfigurationError: it does not know us.
        """
        tries = 0

        @unit_of_work(timeout=self._timeout_s)
        async def done(transaction: AsyncManagedTransaction) -> T:
            nonlocal tries
            tries += 1
            self.retries += tries > 1
            return await work(Transaction(transaction))

        with self._told():
            async with self._bounded(), self._driver.session(database=self._database) as session:
                return await session.execute_write(done)

    async def read(self, work: Work[T], timeout_s: float | None = None) -> T:
        """Do the work in a transaction in which Neo4j itself refuses to write; otherwise as `write`.

        Args:
            work: what is to be done.
            timeout_s: for how long; Neo4j itself ends what takes longer.

        Raises:
            Unfinished: it took longer.
            InvalidRequest: it needs too much memory.
            GraphUnavailable: Neo4j did not answer, or refused for the moment, for as long as is tried.
            ConfigurationError: it does not know us.
        """

        @unit_of_work(timeout=timeout_s)
        async def done(transaction: AsyncManagedTransaction) -> T:
            with self._answers(timeout_s):
                async with asyncio.timeout(timeout_s and timeout_s + _GRACE_S):
                    return await work(Transaction(transaction))

        with self._told():
            async with (
                self._bounded(timeout_s),
                self._driver.session(database=self._database, default_access_mode=READ_ACCESS) as session,
            ):
                return await session.execute_read(done)

    @asynccontextmanager
    async def reading(self, timeout_s: float) -> AsyncIterator[AsyncTransaction]:
        """A transaction for statements that are not ours, which Neo4j lets read, and ends in time; tried once.

        Raises:
            Unfinished: it took longer.
            InvalidRequest: it needs too much memory.
            GraphUnavailable: Neo4j did not answer, or refused for the moment.
            Neo4jError: it refused a statement.
        """
        with self._told(), self._answers(timeout_s):
            async with (
                asyncio.timeout(timeout_s + _GRACE_S),
                self._driver.session(database=self._database, default_access_mode=READ_ACCESS) as session,
                await session.begin_transaction(timeout=timeout_s) as transaction,
            ):
                yield transaction

    @asynccontextmanager
    async def _bounded(self, more_s: float | None = None) -> AsyncIterator[None]:
        """End what waits for a Neo4j that has taken it and says nothing: its driver would wait for ever."""
        try:
            async with asyncio.timeout(self._timeout_s + (more_s or 0) + _GRACE_S):
                yield
        except TimeoutError as error:
            raise GraphUnavailable(f"Neo4j at {self._url} did not answer in time") from error

    @contextmanager
    def _answers(self, timeout_s: float | None) -> Iterator[None]:
        """Tell who was too slow: a question that Neo4j has ended, or Neo4j."""
        try:
            yield
        except TimeoutError as error:
            raise GraphUnavailable(f"Neo4j at {self._url} did not answer in time") from error
        except Neo4jError as error:
            code = error.code or ""
            if _OUT_OF_MEMORY in code:
                raise InvalidRequest(
                    "the question needs more memory than Neo4j gives to one", remedy="Ask for less, or collect less."
                ) from error
            if _TIMED_OUT in code:
                raise Unfinished(
                    f"Neo4j did not find the answer within {timeout_s:g} s",
                    remedy="Ask for less: fewer hops, a predicate, or both ends.",
                ) from error
            raise

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Raise the driver's errors as ours; what is our own bug stays what it is."""
        try:
            yield
        except AuthError as error:
            raise ConfigurationError(f"Neo4j at {self._url}: {error.message}", remedy=_CREDENTIALS) from error
        except DriverConfigurationError as error:
            raise ConfigurationError(f"MK_NEO4J_URL: {error}") from error
        except (TransientError, DatabaseError) as error:
            # The latter are its own troubles, such as a full disk: they end when somebody has mended it.
            raise GraphUnavailable(f"Neo4j at {self._url}: {error.message}") from error
        except DriverError as error:
            raise GraphUnavailable(f"Neo4j at {self._url} does not answer: {error}") from error
        except Neo4jError as error:
            if error.is_retryable():
                raise GraphUnavailable(f"Neo4j at {self._url}: {error.message}") from error
            raise
