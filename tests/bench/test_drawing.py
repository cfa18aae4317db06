"""The charts of the growth curves are whole pictures."""

from xml.etree import ElementTree

from tests.bench.drawing import Line, chart

_SVG = "{http://www.w3.org/2000/svg}"


def test_a_chart_has_every_line_with_its_points_and_name() -> None:
    lines = [Line("a & b", [(1_000, 0.5), (1_000_000, 40)]), Line("never measured", [])]
    drawn = ElementTree.fromstring(chart("Pages, ms", "payments", lines))
    texts = [text.text for text in drawn.iter(f"{_SVG}text")]
    assert {"Pages, ms", "payments", "a & b", "never measured", "1,000", "1,000,000"} <= set(texts)
    places = [
        (float(dot.attrib["cx"]), float(dot.attrib["cy"])) for dot in drawn.iter(f"{_SVG}circle")
    ]
    [(left, low), (right, high)] = places
    assert left < right
    assert low > high
