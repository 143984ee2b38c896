"""Markup sent to a real app in a real host: forms, pydantic models, queries, and what is left alone."""

from collections.abc import Iterator, Mapping

import pytest
from support import project

from seatrial.config import load
from seatrial.model.findings import Judgement
from seatrial.model.markup import MarkupTrial
from seatrial.model.outcomes import Outcome
from seatrial.model.profiles import Profile
from seatrial.plugin.aims import showing
from seatrial.rules import err
from seatrial.trials.opening import open_run, prepare
from seatrial.trials.pilot import Pilot

SHOP = '''
    from flask import Flask, jsonify, redirect, render_template_string, request
    from pydantic import BaseModel, ConfigDict, Field

    from seatrial.kit.sanitize import clean_html

    FORM = """<ul>{% for note in notes %}<li>{{ note | safe }}</li>{% endfor %}</ul>
    <form method="post" action="/notes"><input name="text"><input name="colour" value="red">
    <input name="copies" type="number"><input name="due" type="date"></form>
    <form method="post" action="/invite"><input name="name"><input name="password" type="password"></form>
    <form method="post" action="/board"><textarea name="message"></textarea></form>"""


    class Label(BaseModel):
        model_config = ConfigDict(extra="forbid")

        title: str = Field(max_length=12)
        copies: int = Field(ge=1)


    def create_app(config=None):
        app = Flask(__name__)
        app.config.from_mapping(config or {})
        notes, labels, board, invited = [], [], [], []

        @app.get("/")
        def home():
            return render_template_string(FORM, notes=notes)

        @app.post("/notes")
        def add():
            if request.form["colour"] not in ("red", "blue") or not int(request.form["copies"]) < 10:
                return "<p>Not a colour.</p>", 400
            notes.append(request.form["text"])
            return redirect("/")

        @app.post("/invite")
        def invite():
            invited.append(request.form["name"])
            return redirect("/")

        @app.get("/invited")
        def show_invited():
            return str(len(invited))

        @app.post("/board")
        def post():
            board.append(clean_html(request.form["message"]))
            return redirect("/board")

        @app.get("/board")
        def show_board():
            return "<p>" + "</p><p>".join(board) + "</p>"

        @app.post("/labels")
        def label():
            labels.append(Label.model_validate(request.get_json()))
            return jsonify(ok=True), 201

        @app.get("/labels")
        def show_labels():
            page = "{% for label in labels %}<b title={{ label.title }}>x</b>{% endfor %}"
            return render_template_string(page, labels=labels)

        @app.get("/search")
        def search():
            return "<p>Nothing found for " + request.args.get("term", "") + "</p>"

        @app.get("/api/search")
        def api():
            return jsonify(found=request.args.get("term", ""), notes=notes)

        @app.get("/about")
        def about():
            return "<p>A shop.</p>"

        @app.post("/wall")
        def wall():
            return "<p>Written: " + request.form.get("line", "") + "</p>"

        return app
'''


class Shop:
    def __init__(self, evidence: Mapping[str, MarkupTrial]) -> None:
        self.evidence = evidence

    def judged(self, key: str) -> Judgement:
        return err.unescaped_markup(self.trial(key))

    def trial(self, key: str) -> MarkupTrial:
        return next(trial for name, trial in self.evidence.items() if name.rpartition(" ")[0] == key)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    root = project(tmp_path_factory.mktemp("shop") / "app", {"shop.py": SHOP})
    with open_run(load(root)) as run:
        inventory = prepare(run, Profile.SWEEP)
        aims = list(showing(inventory))
        yield Shop(Pilot(run).markup(aims[0].members))


def test_a_form_that_refuses_all_at_once_is_filled_field_by_field(shop: Shop) -> None:
    [finding] = shop.judged("GET /").findings
    assert finding.evidence["unescaped"] == [
        {"field": "text", "request": "POST /notes", "sent_as": "form", "has_become": "an element"}
    ]


def test_a_pydantic_model_is_filled_by_its_types_and_shown_in_an_attribute_without_quotes(shop: Shop) -> None:
    [finding] = shop.judged("GET /labels").findings
    [shown] = finding.evidence["unescaped"]
    assert (shown["field"], shown["sent_as"], shown["has_become"]) == ("title", "json", "an attribute")


def test_what_a_query_echoes(shop: Shop) -> None:
    [finding] = shop.judged("GET /search").findings
    assert finding.evidence["unescaped"][0]["request"] == "GET /search"


def test_what_the_answer_to_a_post_echoes(shop: Shop) -> None:
    [finding] = shop.judged("POST /wall").findings
    assert finding.evidence["unescaped"][0]["field"] == "line"


@pytest.mark.parametrize(
    ("key", "outcome"),
    [
        ("GET /board", Outcome.PASS),
        ("GET /api/search", Outcome.SKIPPED),
        ("GET /about", Outcome.SKIPPED),
        ("POST /invite", Outcome.SKIPPED),
        ("POST /notes", Outcome.SKIPPED),
    ],
)
def test_others(shop: Shop, key: str, outcome: Outcome) -> None:
    judgement = shop.judged(key)
    assert judgement.outcome is outcome, judgement.reason


def test_a_form_with_a_password_is_left_alone(shop: Shop) -> None:
    assert shop.trial("GET /invited").answer.body_size == len("0")
