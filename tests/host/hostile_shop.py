"""An app that does to a harness what real apps do: every route misbehaves in its own way."""

import os
import signal
import sys
import threading
import time
import urllib.request

from flask import Flask, Response, current_app, g, jsonify, redirect, request, session
from flask_sqlalchemy import SQLAlchemy

db = SQLAlchemy()


class Item(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    name = db.Column(db.String(40))


class Visit(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    path = db.Column(db.String(80))


def seed(app):
    db.session.add_all([Item(name="rope"), Item(name="sail"), Item(name="anchor")])
    db.session.commit()


def create_app(config=None):
    app = Flask(__name__)
    app.config.update(config or {})
    db.init_app(app)
    print("the app prints while it is built")
    app.app_context().push()  # a factory that leaves a context behind

    @app.get("/fine")
    def fine():
        return jsonify([item.name for item in db.session.scalars(db.select(Item))])

    @app.get("/raises")
    def raises():
        raise ValueError("secret-in-the-message")

    @app.get("/exits")
    def exits():
        sys.exit("out of here")

    @app.get("/dies")
    def dies():
        os._exit(7)

    @app.get("/killed")
    def killed():
        os.kill(os.getpid(), signal.SIGSEGV)
        time.sleep(5)
        return "never"

    @app.get("/sleeps")
    def sleeps():
        time.sleep(60)
        return "late"

    @app.get("/stubborn")
    def stubborn():
        for _ in range(600):
            try:
                time.sleep(0.1)
            except Exception:  # catches everything that is decent
                pass
        return "late"

    @app.get("/streams")
    def streams():
        def forever():
            while True:
                yield b"x" * 65536

        return Response(forever(), mimetype="text/plain")

    @app.get("/forks")
    def forks():
        child = os.fork()
        if child == 0:
            return "the child answers, too"
        os.waitpid(child, 0)
        return "the parent answers"

    @app.get("/writes-files")
    def writes_files():
        with open("left-behind.txt", "w") as file:
            file.write("the app wrote here")
        return "written"

    @app.get("/writes-rows")
    def writes_rows():
        db.session.add(Visit(path=request.path))
        db.session.commit()
        return jsonify(db.session.scalar(db.select(db.func.count()).select_from(Visit)))

    @app.get("/threads")
    def threads():
        def work():
            with app.app_context():
                db.session.execute(db.select(Item)).all()

        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        return "done"

    @app.get("/calls-out")
    def calls_out():
        with urllib.request.urlopen("https://api.example.test/v1/things?token=hidden") as answer:
            return jsonify(status=answer.status)

    @app.get("/leaks-context")
    def leaks_context():
        g.leaked = True
        current_app.app_context().push()
        return "pushed"

    @app.get("/prints")
    def prints():
        print("x" * 100_000)
        sys.stdout.flush()
        os.write(1, b"straight to the descriptor\n")
        return "printed"

    @app.get("/sets-cookie")
    def sets_cookie():
        session["user"] = "somebody"
        response = redirect("/fine?token=hidden-in-location")
        response.set_cookie("theme", "secret-value")
        return response

    return app
