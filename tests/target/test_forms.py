"""What a login page offers, read as a browser would."""

from seatrial.target.forms import forms, login_form

PAGE = """
<html><head><meta name="csrf-token" content="from-meta"></head><body>
<form action="/search"><input name="q" value="rope"></form>
<form method="POST" action="/login">
  <input type="hidden" name="csrf_token" value="a&amp;b">
  <input name="username"><input type="password" name="password" value="">
  <input type="checkbox" name="remember"> <input type="checkbox" name="terms" value="yes" checked>
  <select name="realm"><option value="a">A</option><option value="b" selected>B</option></select>
  <textarea name="note"></textarea>
  <input type="submit" name="go" value="Log in">
</form>
<form method="post" action="/newsletter"><input name="email"></form>
</body></html>
"""


def test_a_form_is_what_an_untouched_browser_would_send() -> None:
    found = login_form(PAGE, {"username", "password"})
    assert found is not None
    assert found.action == "/login"
    assert found.fields == {
        "csrf_token": "a&b",
        "username": "",
        "password": "",
        "terms": "yes",
        "realm": "b",
        "note": "",
    }


def test_the_form_with_a_password_stands_in_where_field_names_do_not_fit() -> None:
    found = login_form(PAGE, {"mail", "pin"})
    assert found is not None
    assert found.action == "/login"


def test_a_search_form_is_no_login_form() -> None:
    assert login_form('<form><input name="username"></form>', {"username"}) is None


def test_meta_tokens_are_found() -> None:
    assert forms(PAGE)[1]["csrf-token"] == "from-meta"


def test_broken_markup_is_read_as_far_as_it_goes() -> None:
    assert login_form("<form method=post><input name=user><input type=password name=p", {"user"}) is not None
