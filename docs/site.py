"""What MkDocs does not know of: pages that lie outside docs/, the sources that pages link to, and the index of blocks."""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parents[1]

OUTSIDE = {
    "README.md": "start.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    **{f"models/{path.name}": f"models/{path.name}" for path in sorted((ROOT / "models").glob("*.md"))},
    "models/anomaly/README.md": "models/anomaly.md",
    "examples/README.md": "examples.md",
}
"""Pages outside docs/, and what they are on the site."""

BLOCKS = ("Design", "Blocks")
"""Tabs for what index.md lists: pages of its first table that have no place yet, and those of its second, by their wings."""

LINK = re.compile(r"(!?)\[([^\]]*)\]\(([^)\s]+)\)")
FENCE = re.compile(r"(^```.*?^```$|^    .*?$)", re.MULTILINE | re.DOTALL)
LANGUAGES = {".py": "python", ".v": "verilog", ".tcl": "tcl", ".cpp": "cpp", ".toml": "toml", ".h": "cpp", ".sh": "bash"}

origins: dict[str, str] = {}
"""Of each page on the site, where it lies in the project."""


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """The navigation: what mkdocs.yml says, then what index.md lists besides."""
    text = (ROOT / "docs" / "index.md").read_text()
    placed = re.findall(r"[\w/]+\.md", str(config.nav))
    design, _, blocks = text.partition("Blocks, in the order")
    listed = [re.findall(r"^\| \[\w+\]\(([\w/]+\.md)\)", part, re.MULTILINE) for part in (design, blocks)]
    rest = [page for page in listed[0] if page not in placed]
    wings: dict[str, list[str]] = {}
    for page in listed[1]:
        wings.setdefault(page.partition("/")[0], []).append(page)
    models = sorted(place for place in OUTSIDE.values() if place.startswith("models/"))
    design_tab = {BLOCKS[0]: [*rest, {"Models": models}]}
    config.nav = [*(config.nav or []), design_tab, {BLOCKS[1]: [{wing: pages} for wing, pages in wings.items()]}]
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages from outside docs/, the sources that any page links to, and the reference."""
    origins.clear()
    origins.update({file.src_uri: f"docs/{file.src_uri}" for file in files})
    for origin, place in OUTSIDE.items():
        add(files, config, place, (ROOT / origin).read_text(), origin)
    for place, text in reference().items():
        add(files, config, place, text, f"docs/{place}")
    for place, text in notebooks().items():
        files.append(File.generated(config, place, content=text))
    pages = [file for file in files if file.src_uri.endswith(".md")]
    for page in pages:
        for _, _, target in LINK.findall(FENCE.sub("", page.content_string)):
            path = resolved(target, origins[page.src_uri])
            place = f"source/{path}.md" if path is not None else ""
            if (
                path is not None
                and (ROOT / path).is_file()
                and site_path(path) == place
                and files.get_file_from_path(place) is None
            ):
                add(files, config, place, source(path), path)
            elif path is not None and path.startswith("models/") and path.endswith(".png"):
                files.append(File.generated(config, path, abs_src_path=str(ROOT / path)))
    return files


def add(files: Files, config: MkDocsConfig, place: str, text: str, origin: str) -> None:
    """A page of the site that is no file in docs/."""
    files.append(File.generated(config, place, content=text))
    origins[place] = origin


def source(path: str) -> str:
    """A page that shows a file of the project."""
    language = LANGUAGES.get(Path(path).suffix, "text")
    return f"---\nsearch:\n  exclude: true\n---\n\n# {path}\n\n````` {language}\n{(ROOT / path).read_text()}\n`````\n"


def reference() -> dict[str, str]:
    """Pages of the library and of the commands, from their own docstrings and help."""
    from sigmabit.scripts import api

    names = "\n\n".join(f"::: sigmabit.scripts.api.{name}" for name in sorted(api.__all__, key=str.lower))
    about = "Every name of [the library](../api.md), from its docstring: `sigmabit.NAME`."
    commands = (
        "::: mkdocs-click\n    :module: sigmabit.scripts.group\n    :command: sigmabit\n    :prog_name: sigmabit\n    :depth: 1"
    )
    return {
        "reference/api.md": f"# Library\n\n{about}\n\n{names}\n",
        "reference/commands.md": f"# Commands\n\n{commands}\n",
    }


def notebooks() -> dict[str, str]:
    """The tutorials as Jupyter opens them."""
    import jupytext

    sources = sorted((ROOT / "docs" / "tutorial").glob("*.py"))
    return {
        f"tutorial/{path.stem}.ipynb": jupytext.writes(jupytext.read(path), "ipynb") for path in sources if path.stem != "execute"
    }


def resolved(target: str, origin: str) -> str | None:
    """What a relative link of a page means, from the root of the project; None for a link that leads elsewhere."""
    if re.match(r"\w+:|#", target):
        return None
    return posixpath.normpath(posixpath.join(posixpath.dirname(origin), target.partition("#")[0]))


def site_path(path: str) -> str | None:
    """Where a file of the project is on the site; None where it is not."""
    if path in OUTSIDE:
        return OUTSIDE[path]
    if path.startswith("docs/") and not path.endswith(".py"):
        return path.removeprefix("docs/")
    if path.endswith(".png"):
        return path
    return f"source/{path}.md" if (ROOT / path).is_file() and Path(path).suffix != ".onnx" else None


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Links to where things are on the site; what is nowhere there stays as its text."""
    here = page.file.src_uri
    if here.startswith("source/"):
        return markdown

    def moved(match: re.Match[str]) -> str:
        image, text, target = match.groups()
        path = resolved(target, origins[here])
        if path is None:
            return match[0]
        place = site_path(path)
        if place is None:
            return text
        _, mark, anchor = target.partition("#")
        return f"{image}[{text}]({posixpath.relpath(place, posixpath.dirname(here) or '.')}{mark}{anchor})"

    parts: list[Any] = FENCE.split(markdown)
    return "".join(part if number % 2 else LINK.sub(moved, part) for number, part in enumerate(parts))
