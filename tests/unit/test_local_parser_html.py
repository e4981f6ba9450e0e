"""HTML: the article is read whole, and what is left out is named in a warning."""

import pytest

from ingest.adapters.parsers.local.extract import parse_document
from ingest.adapters.parsers.local.parser_limits import ParserLimits
from ingest.domain.document import ParsedDocument
from ingest.domain.parse_warning import WarningCode

LIMITS = ParserLimits(max_pages=100, max_text_chars=1_000_000)


def page(body: str, head: str = "") -> ParsedDocument:
    markup = f"<!DOCTYPE html><html><head><meta charset=utf-8>{head}</head><body>{body}</body>"
    return parse_document(markup.encode(), filename="x.html", limits=LIMITS)


def codes(parsed: ParsedDocument) -> list[WarningCode]:
    return [warning.code for warning in parsed.warnings]


@pytest.mark.parametrize(
    "hidden",
    [
        "<p hidden>Secret</p>",
        "<p style='color:red; DISPLAY : none'>Secret</p>",
        "<div style='visibility:hidden'><p>Secret</p></div>",
        "<dialog>Secret</dialog>",
    ],
)
def test_hidden_text_is_left_out_with_a_warning(hidden: str) -> None:
    parsed = page(f"<p>Before</p>{hidden}<p>After</p>")

    assert parsed.text == "Before\n\nAfter"
    assert codes(parsed) == [WarningCode.HIDDEN_TEXT_LEFT_OUT]
    assert "(1 words)" in parsed.warnings[0].message


def test_a_page_that_hides_all_its_text_is_read() -> None:
    assert page("<div style='display:none'>All there is</div>").text == "All there is"
    assert page("<div hidden=until-found>Found later</div>").text == "Found later"


ARTICLE = (
    "<article><header><h1>Ledgers</h1><p>By Ada</p></header><p>Words about the ledgers of the port"
    " and its harbour master.</p><aside>A note</aside><footer>Sources: box 7</footer></article>"
)


@pytest.mark.parametrize(
    "around",
    [
        "<nav>Menu entry</nav>",
        "<div role=navigation>Menu entry</div>",
        "<header><a>Menu entry</a></header>",
        "<footer>Menu entry</footer>",
        "<div role=contentinfo>Menu entry</div>",
        "<aside>Menu entry</aside>",
        "<div id=cookie-banner><p>Menu entry</p></div>",
        "<div class='onetrust-pc'><p>Menu entry</p></div>",
        "<div class=cookies><p>We use cookies. Menu entry</p><button>Accept</button></div>",
        "<div role=dialog aria-label='Cookie notice'><p>Menu entry</p></div>",
    ],
)
def test_what_surrounds_the_article_is_left_out_and_the_article_is_whole(around: str) -> None:
    parsed = page(f"{around}{ARTICLE}")

    assert "Menu entry" not in parsed.text
    for kept in ("# Ledgers", "By Ada", "harbour master", "A note", "Sources: box 7"):
        assert kept in parsed.text


def test_a_header_with_the_main_heading_and_a_long_footer_are_kept() -> None:
    headed = page("<header><h1>Title</h1><p>Lead</p></header><p>Body.</p>")
    footed = page("<p>Short.</p><footer>" + "long words " * 30 + "</footer>")

    assert page("<header><h2>Small title</h2></header><p>Body</p>").text.startswith("## Small")
    assert headed.text == "# Title\n\nLead\n\nBody."
    assert "long words" in footed.text


def test_an_article_about_cookies_and_a_page_of_navigation_alone_are_kept() -> None:
    recipes = "<div class='cookie-recipe-box'><p>" + "Flour and sugar. " * 80 + "</p></div>"

    assert "Flour and sugar." in page(recipes).text
    assert "Site map" in page("<nav>Site map</nav>").text


def test_title_and_description_come_first_and_are_not_repeated() -> None:
    head = "<title>Port news</title><meta name=description content='What the port does'>"

    assert page("<h1>Cranes</h1><p>Body</p>", head).text == (
        "Port news\n\nWhat the port does\n\n# Cranes\n\nBody"
    )
    assert page("<h1>Port news</h1><p>What the port does</p>", head).text == (
        "# Port news\n\nWhat the port does"
    )
    assert [h.title for h in page("<p>Body</p>", head).headings] == ["Port news"]


@pytest.mark.parametrize(
    ("markup", "expected"),
    [
        ("10<sup>6</sup> m<sup>2</sup>", "10^6 m^2"),
        ("10<sup>-6</sup> x<sup>n+1</sup>", "10^-6 x^(n+1)"),
        ("H<sub>2</sub>O and 10<sub>2</sub> and x<sub>max</sub>", "H2O and 10_2 and x_max"),
        ("the 1<sup>st</sup> word<sup><a href=#n>3</a></sup>", "the 1st word[3]"),
        ("said<sup>[4]</sup> Port<sup>TM</sup>", "said[4] PortTM"),
        ("<del>100</del><ins>80</ins> crates", "~~100~~ 80 crates"),
        ("was<s>100</s>80", "was ~~100~~ 80"),
        ("<ruby>東京<rp>(</rp><rt>とうきょう</rt><rp>)</rp></ruby>駅", "東京(とうきょう)駅"),
        ("soft\u00adhyphen&shy;ated wo<wbr>rd", "softhyphenated word"),
        ("<math><mfrac><mn>12</mn><mn>34</mn></mfrac></math>", "12/34"),
        (
            "at<math><mfrac><mrow><mi>a</mi><mo>+</mo><mn>1</mn></mrow><mi>b</mi></mfrac></math>",
            "at (a + 1)/b",
        ),
        ("<math><msup><mi>x</mi><mn>23</mn></msup><mo>=</mo><mn>4</mn></math>", "x^23 = 4"),
        ("<math><msqrt><mn>2</mn></msqrt><mn>3</mn></math>", "√(2)3"),
        (
            "<math><semantics><mn>5</mn><annotation>\\five</annotation></semantics></math>",
            "5",
        ),
    ],
)
def test_raised_lowered_and_struck_text_does_not_join_its_neighbours(
    markup: str, expected: str
) -> None:
    assert page(f"<p>{markup}</p>").text == expected


def test_lists_keep_their_numbers_and_terms() -> None:
    parsed = page(
        "<ol start=4><li>four<li>five<ol type=a><li>inner</ol><li value=9>nine</ol>"
        "<ol reversed><li>two<li>one</ol><dl><dt>Keel<dd>The backbone</dl>"
    )

    assert parsed.text == (
        "4. four\n5. five\n  a. inner\n9. nine\n2. two\n1. one\nKeel\n: The backbone"
    )


def test_cells_that_span_rows_and_columns_keep_the_others_in_their_columns() -> None:
    parsed = page(
        "<table><tr><th>Port<th colspan=2>2023</tr><tr><td rowspan=2>East<td>1<td>2</tr>"
        "<tr><td>3<td>4</tr><tr><td colspan=2>West<td>7</tr><tr><td colspan=900>Sum</table>"
    )

    assert parsed.text == (
        "| Port | 2023 | 2023 |\n| --- | --- | --- |\n| East | 1 | 2 |\n| East | 3 | 4 |\n"
        "| West |  | 7 |\n| Sum |  |  |"
    )


def test_a_list_in_a_cell_of_a_data_table_stays_in_its_row() -> None:
    parsed = page("<table><tr><th>A<th>B<tr><td><ul><li>red<li>blue</ul><td>40</table>")

    assert parsed.text == "| A | B |\n| --- | --- |\n| red ; blue | 40 |"


def test_spans_without_bound_do_not_make_a_table_without_bound() -> None:
    cells = "<td colspan=1000 rowspan=65000>x" * 50
    parsed = page(f"<table>{'<tr>' + cells + '</tr>'}<tr><td>y</table>")

    assert len(parsed.text) < 1_000_000


def test_a_page_nested_too_deeply_is_read_without_its_structure() -> None:
    parsed = page("<div><font>" * 2500 + "<h2>Deep</h2>words" + "</font></div>" * 2500 + "<p>End")

    assert parsed.text == "## Deep\n\nwords\n\nEnd"
    assert codes(parsed) == [WarningCode.REPAIRED]


def test_encoded_data_in_a_page_is_left_out() -> None:
    data = "iVBORw0KGgoAAAANSUhEUgAA" * 200
    parsed = page(f"<p>Before <img src='data:image/png;base64,{data}'> after</p><p>{data}</p>")

    assert parsed.text == "Before after\n\n[data]"
    assert set(codes(parsed)) == {WarningCode.DATA_LEFT_OUT}


def test_formulas_that_a_page_holds_twice_are_read_once() -> None:
    katex = (
        "<span class=katex><span class=katex-mathml><math><mi>x</mi></math></span>"
        "<span class=katex-html aria-hidden=true>x</span></span>"
    )

    assert page(f"<p>Let {katex} be.</p>").text == "Let x be."
    assert page("<p>Seen <span aria-hidden=true>words</span></p>").text == "Seen words"


def test_the_text_of_drawings_and_the_values_of_fields_are_read() -> None:
    parsed = page(
        "<p>Chart <svg><title>icon</title><text x=1>Tide<tspan>2.4 m</tspan></text></svg></p>"
        "<label>Name <input value='Ada'></label><input type=hidden value=token>"
        "<select><option>Port<option selected>Starboard</select>"
    )

    assert parsed.text == "Chart Tide 2.4 m\n\nName Ada Starboard"
    assert page("<svg>" + "<text>a" * 100 + "</svg>").text == " ".join("a" * 100)


def test_buttons_and_fields_do_not_touch_the_words_beside_them() -> None:
    parsed = page("<p>four<button>Press</button><textarea>typed words</textarea>five</p>")

    assert parsed.text == "four Press typed words five"


def test_a_declared_shadow_root_is_read_and_a_template_is_not() -> None:
    parsed = page(
        "<x-a><template shadowrootmode=open><p>Shown</p></template></x-a><template>No</template>"
    )

    assert parsed.text == "Shown"
