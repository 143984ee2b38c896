"""What is read out of a page's markup, and what is left where it is."""

import pytest

from seatrial.observe.markup import marks
from seatrial.observe.redaction import cookie_sizes


@pytest.mark.parametrize(
    ("page", "expected"),
    [
        ("<p>Nothing</p>", {}),
        ("""<META HTTP-EQUIV='Content-Security-Policy' CONTENT="img-src 'self'">""", {"csp-meta": "img-src 'self'"}),
        (
            "<meta content=\"img-src *;\n  font-src 'none'\" http-equiv=content-security-policy>",
            {"csp-meta": "img-src *; font-src 'none'"},
        ),
        ("<meta http-equiv=content-security-policy content='a &amp; &#39;self&#39;'>", {"csp-meta": "a & 'self'"}),
        ("<!-- <meta http-equiv='Content-Security-Policy' content='x y'> -->", {}),
        ("<body><meta http-equiv='Content-Security-Policy' content='x y'>", {}),
        ("<meta http-equiv='Content-Security-Policy'>", {}),
        ("<meta http-equiv='Content-Security-Policy-Report-Only' content='x y'>", {}),
        ("<meta name=referrer content=no-referrer><meta name=referrer content=origin>", {"referrer-meta": "origin"}),
        ("<script>x</script><script src=/a.js></script>", {"scripts": "-\n- /a.js"}),
        ("<script integrity='sha384-x' src='//a.b/c.js?token=1'>", {"scripts": "+ //a.b/c.js"}),
        ("<link rel='preload stylesheet' href=//a.b/c.css><link rel=icon href=/i>", {"styles": "- //a.b/c.css"}),
        ("<script data-a='>' src=/a.js>", {"scripts": "- /a.js"}),
        ("<script src=/a.js src=/b.js>", {"scripts": "- /a.js"}),
        ("<script src='/a.js", {"scripts": "-"}),
    ],
)  # fmt: skip
def test_marks(page: str, expected: dict[str, str]) -> None:
    assert marks(page) == expected


def test_two_policies_are_two_lines() -> None:
    tag = '<meta http-equiv="Content-Security-Policy" content="img-src {}">'
    assert marks(tag.format("a") + tag.format("b")) == {"csp-meta": "img-src a\nimg-src b"}


def test_cookie_sizes_count_name_and_value_and_keep_neither_value_nor_attributes() -> None:
    sent = [("Set-Cookie", "session=secret; Path=/"), ("set-cookie", "é=ü"), ("X", "y=z"), ("Set-Cookie", "bare")]
    assert cookie_sizes(sent) == "session 13\né 4\nbare 4"
