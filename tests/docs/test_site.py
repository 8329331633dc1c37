"""The site builds without a warning, needs no network, and its made parts are current."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from .blocks import PAGES, REPOSITORY
from .tables import made_pages, renewed


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built site; a warning ends the build."""
    folder: Path = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)]
    subprocess.run(command, check=True, cwd=REPOSITORY, timeout=120)
    return folder


def test_pages_load_nothing_from_elsewhere(site: Path) -> None:
    """No page has a script, style sheet, font or image of another host, nor a diagram that needs a fetched script."""
    pages = [page for page in site.rglob("*.html") if "asyncapi" not in page.parts]
    sources, sheets = (
        r'<(?:script|img|iframe)[^>]*src="https?:',
        r'<link[^>]*rel="?(?:stylesheet|preconnect)[^>]*"https?:',
    )
    loads = f'{sources}|{sheets}|class="mermaid"'

    assert pages
    assert [] == [page.name for page in pages if re.search(loads, page.read_text())]


@pytest.mark.parametrize("page", made_pages(), ids=lambda page: page.stem)
def test_made_parts_are_current(page: Path) -> None:
    """Tables that come from the code are what the code says; ``python -m tests.docs.tables`` renews them."""
    assert renewed(page.read_text()) == page.read_text()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(REPOSITORY)))
def test_links_lead_somewhere(page: Path) -> None:
    """A relative link of a page leads to a file of the repository."""
    targets = re.findall(r"\]\((?!https?:|#)([^)#\s]+)", page.read_text())

    assert [] == [target for target in targets if not (page.parent / target).exists()]


def test_every_guide_is_on_the_first_page() -> None:
    """Whoever looks for a guide finds it on the first page, and each once."""
    docs = REPOSITORY / "docs"
    linked = re.findall(r"\]\(guides/([\w-]+\.md)\)", (docs / "index.md").read_text())

    assert sorted(page.name for page in (docs / "guides").glob("*.md")) == sorted(linked)
