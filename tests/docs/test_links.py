"""Every relative link of every page leads somewhere, anchors included."""

from pathlib import Path

import pytest
from docs.pages import ROOT, job


def test_no_link_of_the_repository_is_dead() -> None:
    assert job().links() == []


def test_readme_and_map_are_among_the_pages() -> None:
    pages = job().pages()
    assert ROOT / "README.md" in pages
    assert ROOT / "docs" / "rules" / "SQL002.md" in pages


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(job(), "ROOT", tmp_path)
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "other.md").write_text("# Other page\n\n## A `key` and more\n\n## Twice\n\n## Twice\n")
    return tmp_path


@pytest.mark.parametrize(
    "link",
    [
        "docs/other.md",
        "docs/other.md#a-key-and-more",
        "docs/other.md#twice-1",
        "#here",
        "docs",
        "https://example.org/nowhere",
    ],
)
def test_links_that_lead_somewhere(project: Path, link: str) -> None:
    (project / "README.md").write_text(f"# Here\n\n[text]({link})\n")
    assert job().links() == []


@pytest.mark.parametrize(
    "text",
    [
        "[text](docs/gone.md)",
        "[text](docs/other.md#gone)",
        "[text](docs/other.md#twice-2)",
        "[text](#gone)",
        "![picture](docs/gone.svg)",
        '<img src="docs/gone.svg">',
        "[text](../outside.md)",
    ],
)
def test_links_that_lead_nowhere_are_named(project: Path, text: str) -> None:
    (project.parent / "outside.md").write_text("")
    (project / "README.md").write_text(f"# Here\n\n{text}\n")
    [problem] = job().links()
    assert problem.startswith("README.md: ")
    assert problem.endswith(" leads nowhere")


def test_code_is_not_read_for_links(project: Path) -> None:
    (project / "README.md").write_text("`[a](gone.md)`\n\n```markdown\n[a](gone.md)\n# Not a heading\n```\n")
    assert job().links() == []
