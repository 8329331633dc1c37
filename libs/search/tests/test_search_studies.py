"""What is found among real studies and among texts of the field, by a real OpenSearch; all tests share one index."""

import asyncio
import re
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import Any

import medkg_replay
import orjson
import pytest
from medkg_contracts.ir import Chunk, Document, Provenance, RawPayload, Section, Span
from medkg_parse.readers import read_payload
from medkg_replay.recordings import load_recordings
from medkg_search import (
    ChunkSearch,
    SearchFilters,
    SearchServer,
    TenantNames,
    bm25_clause,
    chunk_source,
    document_facets,
    ensure_indices,
    feature_weights,
    parse_query,
    splade_clause,
)
from medkg_search.syntax import MAX_QUERY
from medkg_search_service.terms import Terms
from medkg_vocabulary import Term, Vocabulary, shipped

TENANT = "studies-of-the-search"
FIELD = "texts-of-the-field"

#: Every study whose acronym has a hyphen, and each so many-th of the others.
EVERY = 20
_NAME = re.compile(r"(?<![\w-])(?=[\w-]*[A-Z][\w-]*[A-Z])[A-Z][A-Za-z0-9]*(?:-[A-Za-z0-9]+)+(?![\w-])")
_WORD = re.compile(r"\w+(?:-\w+)*")
_PIECE = re.compile(r".{1,1300}(?:\s+|$)", re.DOTALL)

Studies = list[tuple[Document, list[Chunk]]]


def written(*sentences: str, number: int = 1, title: str = "A study", **metadata: Any) -> tuple[Document, list[Chunk]]:
    """A document of one section with a chunk for each sentence."""
    provenance = Provenance(source="ctgov", source_id=f"D{number}", uri="x:y", sha256="0" * 64)
    section = Section(id="s", type="body", title="Text", text="\n".join(sentences), provenance=provenance)
    made = Document(
        id=f"ctgov:D{number}", source="ctgov", title=title, sections=[section], metadata=metadata, provenance=provenance
    )
    chunks = [
        Chunk(
            id=f"d{number}-{ordinal}", document_id=made.id, document_title=title, source="ctgov", section_id="s",
            section_type="body", section_title="Text", ordinal=ordinal, text=text,
            span=Span(start=0, end=len(text)), token_count=1,
        )
        for ordinal, text in enumerate(sentences)
    ]  # fmt: skip
    return made, chunks


FIELD_TEXTS = [
    written(
        "Serum TNF\u03b1 was measured; \u03b3\u03b4 T cells were counted.",
        number=1,
        status="COMPLETED",
        start_date="2019-05",
    ),
    written("Given 20mg of metformin HCl daily.", number=2, title="Crohn\u2019s disease", phases=["PHASE2", "PHASE3"]),
    written("Blockade of CDK4/6, and of BRAF p.V600E.", number=3, mesh=["Breast Neoplasms"], start_date="2021-12-31"),
    written("IL-6 receptor antibodies <b>in</b> arthritis.", "Adults only.", number=4, acronym="TOC-RA"),
    written("Failure was rare, and so was disease of the heart.", number=5, status="RECRUITING", start_date="2021"),
    written("Acute heart failures in adults.", number=6, status="ACTIVE_NOT_RECRUITING", start_date="2022-02"),
    written("IL6 receptor antibodies in arthritis of children.", number=7, doi="10.1056/NEJMoa1908655"),
]


def recorded_studies() -> Studies:
    """The recorded studies that are searched, as the stage parses them."""
    studies = load_recordings(Path(medkg_replay.__file__).parent / "recordings").studies
    found: Studies = []
    for number, study in enumerate(studies):
        record = orjson.loads(study.body)
        acronym = record["protocolSection"]["identificationModule"].get("acronym", "")
        if number % EVERY and "-" not in acronym:
            continue
        payload = RawPayload(
            source="ctgov",
            source_id=study.nct_id,
            uri="x:y",
            media_type="application/json",
            body=study.body.decode(),
            sha256="0" * 64,
        )
        document = read_payload(payload)
        found.append((document, list(pieces(document))))
    return found


def pieces(document: Document) -> Iterator[Chunk]:
    """The document in chunks of about 200 words."""
    for section in document.sections:
        for part in _PIECE.finditer(section.text):
            yield Chunk(
                id=f"{document.id}-{section.id}-{part.start()}", document_id=document.id, document_title=document.title,
                source="ctgov", section_id=section.id, section_type=section.type, section_title=section.title,
                ordinal=0, text=part[0], span=Span(start=part.start(), end=part.end()), token_count=1,
            )  # fmt: skip


async def filled(url: str, tenant: str, studies: Studies) -> None:
    """Write the studies as the index stage does."""
    server = SearchServer(url, timeout_s=60)
    try:
        await ensure_indices(server, tenant)
        alias = TenantNames(tenant).chunks
        lines = [
            orjson.dumps(line)
            for document, chunks in studies
            for chunk in chunks
            for line in (
                {"index": {"_index": alias, "_id": chunk.id}},
                chunk_source(chunk)
                | document_facets(document)
                | {"sparse": feature_weights({word.lower(): 1.0 for word in chunk.text.split()})},
            )
        ]
        answer = await server.call("POST", "/_bulk", params={"refresh": "true"}, body=b"\n".join([*lines, b""]))
        assert not answer["errors"]
    finally:
        await server.close()


async def removed(url: str, tenant: str) -> None:
    names, server = TenantNames(tenant), SearchServer(url)
    await server.call("DELETE", f"/{names.chunks_index},{names.documents_index}")
    await server.close()


@pytest.fixture(scope="module")
def studies(opensearch_url: str) -> Iterator[Studies]:
    found = recorded_studies()
    asyncio.run(filled(opensearch_url, TENANT, found))
    yield found
    asyncio.run(removed(opensearch_url, TENANT))


@pytest.fixture(scope="module")
def field_url(opensearch_url: str) -> Iterator[str]:
    asyncio.run(filled(opensearch_url, FIELD, FIELD_TEXTS))
    yield opensearch_url
    asyncio.run(removed(opensearch_url, FIELD))


@pytest.fixture
async def server(opensearch_url: str) -> AsyncIterator[SearchServer]:
    one = SearchServer(opensearch_url, timeout_s=60)
    yield one
    await one.close()


@pytest.fixture
def search(server: SearchServer, field_url: str) -> ChunkSearch:  # noqa: ARG001 - it fills the index
    return ChunkSearch(server)


async def found(search: ChunkSearch, query: str, filters: SearchFilters | None = None) -> list[str]:
    """The numbers of the texts of the field that are found, best first, each once."""
    page = await search.search(query, FIELD, filters or SearchFilters())
    return list(dict.fromkeys(hit.chunk.document_id.removeprefix("ctgov:D") for hit in page.hits))


async def firsts(server: SearchServer, queries: Sequence[str]) -> list[str]:
    """The document of the first hit of each query."""
    bodies = [
        {"size": 1, "_source": ["document_id"], "query": bm25_clause(parse_query(query[:MAX_QUERY]))}
        for query in queries
    ]
    hits = [one["hits"]["hits"] for one in await answers(server, bodies)]
    return [one[0]["_source"]["document_id"] if one else "" for one in hits]


async def answers(server: SearchServer, bodies: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """What is answered to each of these searches among the studies."""
    lines = [orjson.dumps(line) for body in bodies for line in ({}, body)]
    path = f"/{TenantNames(TENANT).chunks}/_msearch"
    answer = await server.call("POST", path, body=b"\n".join([*lines, b""]))
    found: list[dict[str, Any]] = answer["responses"]
    return found


def unsaid(studies: Studies, mesh: Vocabulary) -> list[tuple[str, str]]:
    """For each term that a study is registered for another name, or one of what is above, of which it has no word."""
    wanted = []
    for document, _ in studies:
        said = words_of(" ".join([document.title, document.text, *(section.title for section in document.sections)]))
        for term in (id_ for name in document.metadata.get("mesh", []) for id_ in mesh.named(str(name))[:1]):
            above = (mesh.term(term) or Term("", "", "")).parents
            names = (name for each in (term, *above) for name in mesh.synonyms(each) if ", " not in name)
            wanted += [(name, document.id) for name in names if not words_of(name) & said][:1]
    return wanted


def words_of(text: str) -> set[str]:
    """Its words, as the index may take them for one another."""
    return {word.removesuffix("s")[:6] for word in re.findall(r"[^\W_]+", text.casefold())}


def names_of_one_study(studies: Studies) -> dict[str, str]:
    """The names with a hyphen that one study alone has, however they are written, and that study."""
    where: dict[str, set[str]] = defaultdict(set)
    written_as: dict[str, tuple[str, str]] = {}
    for document, _ in studies:
        text = f"{document.title}\n{document.text}"
        for word in set(_WORD.findall(text)):
            where[word.replace("-", "").lower()].add(document.id)
        for name in sorted(set(_NAME.findall(text))):
            written_as.setdefault(name.replace("-", "").lower(), (name, document.id))
    return dict(written_as[key] for key in written_as if len(where[key]) == 1)


@pytest.mark.integration
async def test_a_name_that_one_study_has_finds_it_first(server: SearchServer, studies: Studies) -> None:
    """Acronyms always do; of all names with a hyphen at least 67 of 69 do, also in small letters."""
    told = [(str(document.metadata["acronym"]), document.id) for document, _ in studies]
    acronyms = {acronym: document_id for acronym, document_id in told if "-" in acronym}
    names = names_of_one_study(studies)

    assert list(acronyms.values()) == await firsts(server, list(acronyms))
    for queries in (list(names), [name.lower() for name in names]):
        right = [
            expected == first for expected, first in zip(names.values(), await firsts(server, queries), strict=True)
        ]
        assert len(right) > 100
        assert sum(right) / len(right) >= 67 / 69


@pytest.mark.integration
@pytest.mark.parametrize(
    "text", ["".join(chr(0x4E00 + each) for each in range(MAX_QUERY)), "zz-z1 " * (MAX_QUERY // 6)]
)
async def test_the_longest_query_is_answered(search: ChunkSearch, text: str) -> None:
    """Also where each of its characters is a word, or each of its words a name."""
    assert [] == await found(search, text)


@pytest.mark.integration
async def test_expansion_finds_studies_by_names_of_which_they_have_no_word(
    server: SearchServer, studies: Studies
) -> None:
    """By other names of what they are registered for, or of what is above that: hardly any without, nearly all with."""
    mesh = Vocabulary(shipped("mesh"))
    terms = Terms([mesh])
    wanted = unsaid(studies, mesh)
    without = [bm25_clause(parse_query(name)) for name, _ in wanted]
    expanded = [bm25_clause(parse_query(name), terms.expanded(name, ["mesh"])) for name, _ in wanted]
    shares = []
    for clauses in (without, expanded):
        bodies = [
            {"size": 0, "query": {"bool": {"must": [clause], "filter": [{"term": {"document_id": study}}]}}}
            for clause, (_, study) in zip(clauses, wanted, strict=True)
        ]
        found = [one["hits"]["total"]["value"] > 0 for one in await answers(server, bodies)]
        shares.append(sum(found) / len(found))

    assert len(wanted) >= 20
    assert shares[0] < 0.1
    assert shares[1] > 0.9


@pytest.mark.integration
async def test_an_id_and_a_title_find_their_study_first(server: SearchServer, studies: Studies) -> None:
    """Always, however they are capitalised."""
    expected = [document.id for document, _ in studies]
    for queries in (
        [document.id for document, _ in studies],
        [document.provenance.source_id.lower() for document, _ in studies],
        [document.title for document, _ in studies],
        [f"what came of {document.provenance.source_id}?" for document, _ in studies],
    ):
        assert expected == await firsts(server, queries)


@pytest.mark.integration
@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("TNF-alpha", "1"),
        ("TNFalpha", "1"),
        ("TNF \u03b1", "1"),
        ("gamma delta", "1"),
        ("metformin hydrochloride", "2"),
        ("20 mg", "2"),
        ("Crohn disease", "2"),
        ("crohn's diseases", "2"),
        ("CDK6", "3"),
        ("cdk4", "3"),
        ("V600E", "3"),
        ("failure of the heart in adult patients", "6"),
        ("10.1056/nejmoa1908655", "7"),
        ("doi:10.1056/NEJMoa1908655", "7"),
    ],
)
async def test_the_field_is_known(search: ChunkSearch, query: str, expected: str) -> None:
    """Greek letters, salts, doses, possessives, plurals, series, variants and ids are found as others write them."""
    assert expected == (await found(search, query))[0]


@pytest.mark.integration
@pytest.mark.parametrize("query", ["IL-6", "il6", "IL6", "IL\u20116"])
async def test_a_name_is_found_however_it_is_written(search: ChunkSearch, query: str) -> None:
    """With and without its hyphen, in whichever letters."""
    assert {"4", "7"} == set(await found(search, query))


@pytest.mark.integration
@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ('"heart failure"', {"6"}),
        ('"heart failure" status:completed', set()),
        ('title:"crohn\'s disease"', {"2"}),
        ("title:arthritis", set()),
        ("arthritis -children", {"4"}),
        ('antibodies -"il 6"', {"7"}),
        ("-arthritis -heart", {"1", "2", "3", "4"}),
        ("phase:3", {"2"}),
        ("phase:PHASE2", {"2"}),
        ('status:"active, not recruiting"', {"6"}),
        ("status:completed status:recruiting", {"1", "5"}),
        ('mesh:"breast neoplasms"', {"3"}),
        ("id:toc-ra", {"4"}),
        ("id:d5", {"5"}),
        ("date:2021", {"3", "5"}),
        ("date:2021..", {"3", "5", "6"}),
        ("date:..2021-12-30", {"1", "5"}),
        ("heart date:2022", {"6"}),
        ("section:body source:ctgov -date:2019..2022", {"2", "4", "7"}),
        ("source:openalex", set()),
    ],
)
async def test_phrases_fields_and_exclusions_choose(search: ChunkSearch, query: str, expected: set[str]) -> None:
    """Each part of the language chooses what it says."""
    assert expected == set(await found(search, query))


@pytest.mark.integration
async def test_a_programs_filters_and_a_querys_both_hold(search: ChunkSearch) -> None:
    """Whoever filters a search of somebody else narrows it."""
    filters = SearchFilters(known_as=("toc-ra", "D2"), status=("COMPLETED",))

    assert ["4"] == await found(search, "arthritis", SearchFilters(known_as=("toc-ra", "D2")))
    assert [] == await found(search, "arthritis", filters)


@pytest.mark.integration
@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("arthritis id:D4", "IL-6 receptor antibodies &lt;b&gt;in&lt;&#x2F;b&gt; <em>arthritis</em>."),
        ("IL6 id:D4", "<em>IL-6</em> receptor antibodies &lt;b&gt;in&lt;&#x2F;b&gt; arthritis."),
    ],
)
async def test_what_matched_is_marked_and_all_else_escaped(search: ChunkSearch, query: str, expected: str) -> None:
    """A name is marked in the form that the text has, and a text's own tags are text."""
    assert [expected] == (await search.search(query, FIELD)).hits[0].snippets


@pytest.mark.integration
async def test_the_sparse_arm_scores_by_the_dot_product(server: SearchServer, field_url: str) -> None:  # noqa: ARG001
    """A record's score is the sum over common terms of weight times weight."""
    body = {"query": splade_clause({"arthritis.": 2.0, "antibodies": 0.5, "nowhere": 9.0})}
    hits = (await server.call("POST", f"/{TenantNames(FIELD).chunks}/_search", body=body))["hits"]["hits"]
    scores = {hit["_id"]: hit["_score"] for hit in hits}

    assert {"d4-0": pytest.approx(2.5, rel=0.01), "d7-0": pytest.approx(0.5, rel=0.01)} == scores
