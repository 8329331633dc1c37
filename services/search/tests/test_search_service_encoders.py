"""Queries are encoded by the model that their tenant's vectors are of."""

import asyncio
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from medkg_contracts.errors import ConfigurationError
from medkg_contracts.vectors import EmbeddingModel, SparseModel
from medkg_models.dense import Encoded
from medkg_search import feature_weights, parse_query
from medkg_search_service.encoders import DenseEncoders, SpladeClauses, encoders_of
from medkg_search_service.opened import Opened
from medkg_search_service.records import Liked
from medkg_search_service.retriever import ArmQuery
from medkg_search_service.settings import SearchServiceSettings

from .fakes import MODEL, TENANT

OTHER = EmbeddingModel(name="other", revision="1" * 64, dimension=2)


class Dense:
    """Makes vectors of a text's length."""

    def __init__(self, model: EmbeddingModel) -> None:
        self.model = model
        self.opened = self.closed = 0
        self.seen = asyncio.Event()

    async def open(self) -> None:
        """Count it."""
        self.opened += 1
        self.seen.set()

    async def close(self) -> None:
        """Count it."""
        self.closed += 1

    async def encode_query(self, text: str) -> Any:
        """A vector."""
        return np.array([len(text), 0], np.float32)

    async def encode_each(self, texts: Sequence[str], *, truncate: bool = False) -> Encoded:
        """Vectors; a text that is too long is cut."""
        assert truncate
        return Encoded(np.array([[0, len(text)] for text in texts], np.float32))


class Sparse:
    """Weighs words by their length."""

    model = SparseModel(name="lengths", revision="0" * 64)

    async def encode_query(self, text: str) -> dict[str, float]:
        """The words."""
        return {word: float(len(word)) for word in text.split()}

    async def close(self) -> None:
        """Nothing is held."""


async def sparse() -> Sparse:
    return Sparse()


def asked(query: str) -> ArmQuery:
    return ArmQuery(TENANT, parse_query(query), [])


def fields(clause: Any) -> dict[str, float]:
    return {each["rank_feature"]["field"]: each["rank_feature"]["boost"] for each in clause["bool"]["should"]}


async def test_each_model_has_an_encoder_that_is_opened_once() -> None:
    """Tenants of different models are searched side by side, as while one moves to another."""
    made: list[Dense] = []

    def each_its_own(model: EmbeddingModel) -> list[Dense]:
        made.append(Dense(model))
        return made[-1:]

    encoders = DenseEncoders(each_its_own)
    vectors = [await encoders.encode_query(model, "pain") for model in (MODEL, OTHER, MODEL)]
    passage = await encoders.encode_passage(MODEL, "pains")
    await encoders.close()

    assert [[4.0, 0.0]] * 3 == [list(vector) for vector in vectors]
    assert [0.0, 5.0] == list(passage)
    assert [(MODEL, 1, 1), (OTHER, 1, 1)] == [(each.model, each.opened, each.closed) for each in made]


async def test_encoders_are_opened_before_a_search_has_to_wait() -> None:
    """Those of the models that tenants use; one that cannot be opened keeps the others from nothing."""
    made = {MODEL: Dense(MODEL), OTHER: Dense(MODEL)}
    encoders = DenseEncoders(lambda model: [made[model]])
    opening = asyncio.create_task(encoders.keep_open(lambda: [OTHER, MODEL]))
    async with asyncio.timeout(5):
        await made[MODEL].seen.wait()
    opening.cancel()

    assert (1, 1) == (made[MODEL].opened, made[OTHER].closed)


async def test_queries_are_not_encoded_by_another_model() -> None:
    """Its vectors would compare with none of the tenant's; the error names both."""
    dense = Dense(OTHER)

    with pytest.raises(ConfigurationError, match=f"{MODEL.ref}.*{OTHER.ref}") as caught:
        await DenseEncoders(lambda _: [dense]).encode_query(MODEL, "pain")
    assert "the settings of the embed stage" in caught.value.info.remedy
    assert 1 == dense.closed


async def test_the_endpoint_that_has_the_model_encodes_by_it() -> None:
    """Of two servers each has one of the models that a tenant moves between; the other one is given back."""
    first, second = Dense(OTHER), Dense(MODEL)
    encoders = DenseEncoders(lambda _: [first, second])
    vector = await encoders.encode_query(MODEL, "pain")

    assert [4.0, 0.0] == list(vector)
    assert (1, 0) == (first.closed, second.closed)


def test_endpoints_of_two_models_are_asked_once_each() -> None:
    """The embed stage's first; one that is named twice is one."""
    settings = SearchServiceSettings(
        accelerator="cuda", embed_url="http://a/v1", search_embed_urls=" http://b/v1, http://a/v1,"
    )

    assert ("http://a/v1", "http://b/v1") == settings.embed_urls
    assert 2 == len(encoders_of(settings, MODEL))


async def no_model(_: str) -> SparseModel | None:
    """Nothing was indexed yet."""
    return None


async def test_queries_are_not_weighed_by_another_model() -> None:
    """Terms of one model are none of another's; the error names both."""
    theirs = SparseModel(name="other", revision="5" * 64)

    async def model_of(_: str) -> SparseModel:
        return theirs

    with pytest.raises(ConfigurationError, match=f"{theirs.ref}.*{Sparse.model.ref}") as caught:
        await SpladeClauses(Opened(sparse), model_of).clause(asked("pain"))
    assert "the settings of the SPLADE stage" in caught.value.info.remedy


async def test_a_model_that_is_right_is_not_asked_for_with_each_query() -> None:
    """A search costs no round trip for it."""
    tenants = []

    async def model_of(tenant: str) -> SparseModel:
        tenants.append(tenant)
        return Sparse.model

    clauses = SpladeClauses(Opened(sparse), model_of)
    for _ in range(2):
        assert {"sparse.pain": 4.0} == fields(await clauses.clause(asked("pain")))

    assert [TENANT] == tenants


async def test_a_query_is_scored_by_its_terms() -> None:
    """Those of its words and phrases; fields are no words."""
    clause = await SpladeClauses(Opened(sparse), no_model).clause(asked('source:ctgov pain "low back"'))

    assert {"sparse.pain": 4.0, "sparse.low": 3.0, "sparse.back": 4.0} == fields(clause)


async def test_a_record_is_scored_by_the_terms_that_it_has() -> None:
    """They are in the index already, however they are written there."""
    weights = {"a.b": 2.0, "100%": 1.0}
    query = ArmQuery(TENANT, parse_query("x"), [], Liked("d", "title", "text", feature_weights(weights)))
    clause = await SpladeClauses(Opened(sparse), no_model).clause(query)

    assert {f"sparse.{feature}": weight for feature, weight in feature_weights(weights).items()} == fields(clause)


async def test_a_query_without_words_matches_nothing() -> None:
    """Filters alone have no terms, and the model is not opened for them."""
    assert None is await SpladeClauses(Opened(sparse), no_model).clause(asked("source:ctgov"))
