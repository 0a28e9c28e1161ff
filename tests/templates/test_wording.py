"""No sentence is left untranslated, and none hides in a template or in code."""

import re
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po
from jinja2 import nodes

import templates
from templates.engine import environment

FOLDER = Path(templates.__file__).parent
METHODS = [("**.j2", "jinja2"), ("**.html", "jinja2"), ("**.txt", "jinja2")]
OPTIONS = {"**": {"trimmed": "true", "extensions": "jinja2.ext.do", "silent": "false"}}
PLACEHOLDER = re.compile(r"%\((\w+)\)s")
FILES = sorted(path for kind in ("j2", "html", "txt") for path in FOLDER.glob(f"**/*.{kind}"))
LETTERS = re.compile(r"[^\W\d_]{2,}")


def used() -> set[str]:
    found = extract_from_dir(str(FOLDER), method_map=METHODS, options_map=OPTIONS)
    return {message for _, _, message, _, _ in found if isinstance(message, str)}


def catalogue(code: str) -> Catalog:
    with (FOLDER / "locale" / code / "LC_MESSAGES" / "messages.po").open("rb") as file:
        return read_po(file, locale=code)


@pytest.mark.parametrize("code", ["en", "hi"])
def test_a_catalogue_holds_exactly_the_sentences_in_use(code: str) -> None:
    known = {str(message.id) for message in catalogue(code) if message.id}
    assert known == used()
    assert not catalogue(code).obsolete


def test_every_sentence_is_translated_with_the_same_blanks() -> None:
    for message in catalogue("hi"):
        if not message.id:
            continue
        assert message.string, f"untranslated: {message.id}"
        assert not message.fuzzy, message.id
        blanks = [sorted(PLACEHOLDER.findall(str(one))) for one in (message.id, message.string)]
        assert blanks[0] == blanks[1], message.id


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(FOLDER)))
def test_no_sentence_stands_in_a_template_without_being_marked(path: Path) -> None:
    tree = environment("en", "html").parse(path.read_text())
    written = "".join(
        node.data if isinstance(node, nodes.TemplateData) else "\0"
        for node in tree.find_all((nodes.TemplateData, nodes.Filter, nodes.Call, nodes.Name))
    )
    bare = re.sub(r"<style>.*?</style>|<[^>]*>|&\w+;", " ", written, flags=re.DOTALL)
    assert not LETTERS.findall(bare), LETTERS.findall(bare)
