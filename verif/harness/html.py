"""What is on an HTML page, as far as tests ask: its tables, links, pictures and words."""

from __future__ import annotations

from html.parser import HTMLParser

VOID = {"meta", "link", "img", "source", "br", "hr", "input"}


class Page(HTMLParser):
    """A page, read once. tables: rows of cells' words by the table's id. AssertionError where elements do not nest."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tables: dict[str, list[list[str]]] = {}
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self._open: list[str] = []
        self._rows: list[list[str]] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        self.elements.append((tag, attributes))
        if tag not in VOID:
            self._open.append(tag)
        if tag == "table":
            self._rows = self.tables[attributes["id"] or ""] = []
        elif tag == "tr":
            self._rows.append([])
        elif tag in ("td", "th"):
            self._rows[-1].append("")
        elif {"td", "th"} & set(self._open):
            self._rows[-1][-1] += "  "

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" in self._open:
            return
        self.words.append(data)
        if {"td", "th"} & set(self._open):
            self._rows[-1][-1] += data

    @property
    def text(self) -> str:
        """All words, with single blanks between them."""
        return " ".join(" ".join(self.words).split())

    def rows(self, table: str) -> dict[str, list[str]]:
        """A table's rows by what stands first in them, without what stands below it."""
        return {row[0].strip().split("  ")[0]: [" ".join(cell.split()) for cell in row[1:]] for row in self.tables[table]}

    def all(self, tag: str, attribute: str) -> list[str]:
        """An attribute of all elements of a kind that have it."""
        return [attributes[attribute] or "" for name, attributes in self.elements if name == tag and attribute in attributes]
