"""Icons of the theme, drawn into the pages in place of the library that draws them."""

import pytest

import web_icons

LIBRARY = (
    'var i={bars:[448,512,["navicon"],"f0c9","M0 96z"],"angle-left":[320,512,[8249],"f104","M9z"]}'
)
PAGE = (
    '<head><script defer src="../_static/scripts/fontawesome.js?digest=5"></script>\n'
    '<link rel="preload" as="script" href="_static/scripts/fontawesome.js?digest=5"/></head>'
    '<button><span class="fa-solid fa-bars"></span></button>'
    '<i class="theme-switch fa-solid fa-angle-left   fa-lg" data-mode="x" title="T"></i>'
    '<i class="other"></i>'
)


@pytest.fixture
def pages(tmp_path):
    library = tmp_path / web_icons.LIBRARY
    library.parent.mkdir(parents=True)
    library.write_text(LIBRARY)
    (tmp_path / "page.html").write_text(PAGE)
    return tmp_path


def test_each_icon_becomes_its_drawing_with_its_classes_and_the_library_goes(pages):
    web_icons.draw(pages)
    text = (pages / "page.html").read_text()
    assert "fontawesome" not in text and not (pages / web_icons.LIBRARY).exists()
    assert (
        '<svg class="svg-inline--fa fa-solid fa-bars" aria-hidden="true" role="img" '
        'viewBox="0 0 448 512"><path fill="currentColor" d="M0 96z"/></svg></button>'
    ) in text
    assert 'fa-angle-left   fa-lg" data-mode="x" title="T" aria-hidden="true" role="img"' in text
    assert '<i class="other"></i>' in text and web_icons.STYLE in text


def test_a_second_time_changes_nothing(pages):
    web_icons.draw(pages)
    before = (pages / "page.html").read_text()
    web_icons.draw(pages)
    assert (pages / "page.html").read_text() == before


def test_an_icon_that_the_library_lacks_is_named(pages):
    (pages / "page.html").write_text('<i class="fas fa-unicorn"></i>')
    with pytest.raises(ValueError, match="no icon 'unicorn'"):
        web_icons.draw(pages)
