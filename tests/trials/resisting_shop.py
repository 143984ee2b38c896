"""An app whose data resist being copied, and whose pages resist being measured: each route in its own way."""

import os
import time

import sqlalchemy as sa
from flask import Flask, jsonify, redirect, request
from flask_sqlalchemy import SQLAlchemy

db = SQLAlchemy()

TABLES = """
CREATE TABLE item (id serial PRIMARY KEY, name varchar(40) NOT NULL UNIQUE);
CREATE TABLE lot (id serial PRIMARY KEY, item_id int NOT NULL REFERENCES item, quantity int NOT NULL);
CREATE TABLE nothing_yet (id serial PRIMARY KEY, name text);
CREATE TABLE unkeyed (name text);
CREATE TABLE passport (id serial PRIMARY KEY, item_id int NOT NULL UNIQUE REFERENCES item,
    number text NOT NULL UNIQUE);
CREATE TABLE booking (id serial PRIMARY KEY, slot int4range NOT NULL, EXCLUDE USING gist (slot WITH &&));
CREATE TABLE sealed (id serial PRIMARY KEY, name text);
CREATE TABLE album (id serial PRIMARY KEY, cover bytea NOT NULL);
CREATE TABLE gauge (id uuid PRIMARY KEY, site int NOT NULL, number int NOT NULL,
    twice int GENERATED ALWAYS AS (number * 2) STORED, UNIQUE (site, number));
CREATE TABLE shelf (aisle int, level int, label text, PRIMARY KEY (aisle, level));
CREATE TABLE box (id serial PRIMARY KEY, aisle int NOT NULL, level int NOT NULL,
    FOREIGN KEY (aisle, level) REFERENCES shelf);
CREATE TABLE visit (id serial PRIMARY KEY, path text);
CREATE VIEW stocked AS SELECT item.id, item.name FROM item WHERE EXISTS (SELECT 1 FROM lot WHERE lot.item_id = item.id);
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'sealed for good'; END $$;
"""
ROWS = """
INSERT INTO item (name) VALUES ('rope'), ('sail');
INSERT INTO lot (item_id, quantity) VALUES (1, 3), (2, 4);
INSERT INTO unkeyed VALUES ('a');
INSERT INTO passport (item_id, number) VALUES (1, 'P-1');
INSERT INTO booking (slot) VALUES ('[1,5)');
INSERT INTO sealed (name) VALUES ('a');
CREATE TRIGGER sealed_for_good BEFORE INSERT ON sealed FOR EACH ROW EXECUTE FUNCTION refuse();
INSERT INTO album (cover) VALUES (decode(repeat('ab', 40000000), 'hex'));
INSERT INTO gauge VALUES ('6f9619ff-8b86-d011-b42d-00c04fc964ff', 1, 1);
INSERT INTO shelf VALUES (1, 1, 'low'), (1, 2, 'high');
INSERT INTO box (aisle, level) VALUES (1, 1), (1, 2);
"""


def seed(app):
    for statement in (*TABLES.split(";\n"), *ROWS.split(";\n")):
        if statement.strip():
            db.session.execute(sa.text(statement))
    db.session.commit()


def rows(sql, **parameters):
    return db.session.execute(sa.text(sql), parameters).all()


def create_app(config=None):
    app = Flask(__name__)
    app.config.update(config or {})
    db.init_app(app)

    def page(rule, **options):
        return app.route(rule, **options)

    @page("/lots")
    def lots():
        return jsonify(
            [len(rows("SELECT id FROM lot WHERE item_id = :i", i=i)) for (i,) in rows("SELECT id FROM item")]
        )

    @page("/nothing")
    def nothing():
        return jsonify([name for (name,) in rows("SELECT name FROM nothing_yet")])

    @page("/unkeyed")
    def unkeyed():
        return jsonify([name for (name,) in rows("SELECT name FROM unkeyed")])

    @page("/passports")
    def passports():
        found = rows("SELECT item_id FROM passport")
        return jsonify([rows("SELECT name FROM item WHERE id = :i", i=i)[0][0] for (i,) in found])

    @page("/bookings")
    def bookings():
        return jsonify([str(i) for (i,) in rows("SELECT id FROM booking")])

    @page("/sealed")
    def sealed():
        return jsonify([name for (name,) in rows("SELECT name FROM sealed")])

    @page("/albums")
    def albums():
        return jsonify([i for (i,) in rows("SELECT id FROM album")])

    @page("/gauges")
    def gauges():
        found = rows("SELECT id FROM gauge")
        return jsonify([rows("SELECT twice FROM gauge WHERE id = :i", i=i)[0][0] for (i,) in found])

    @page("/shelves")
    def shelves():
        found = rows("SELECT aisle, level FROM shelf")
        boxes = "SELECT id FROM box WHERE aisle = :aisle AND level = :level"
        return jsonify([len(rows(boxes, aisle=aisle, level=level)) for aisle, level in found])

    @page("/view")
    def view():
        found = rows("SELECT id FROM stocked")
        return jsonify([rows("SELECT name FROM item WHERE id = :i", i=i)[0][0] for (i,) in found])

    @page("/slow")
    def slow():
        time.sleep(2)
        return jsonify([i for (i,) in rows("SELECT id FROM item")])

    @page("/fragile")
    def fragile():
        found = rows("SELECT id FROM item")
        return ("too many", 500) if len(found) > 3 else jsonify(len(found))

    @page("/deadly")
    def deadly():
        if len(rows("SELECT id FROM item")) > 3:
            os._exit(9)
        return "alive"

    @page("/cut")
    def cut():
        if len(rows("SELECT id FROM item")) > 3:
            rows("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() "
                 "AND pid <> pg_backend_pid()")  # fmt: skip
        return "cut"

    @page("/away")
    def away():
        rows("SELECT id FROM item")
        return redirect("/lots")

    @page("/counted")
    def counted():
        rows("INSERT INTO visit (path) VALUES ('/counted') RETURNING id")
        db.session.commit()
        return jsonify([i for (i,) in rows("SELECT id FROM item")])

    @page("/search", methods=["POST"])
    def search():
        found = rows("SELECT id FROM item WHERE name LIKE :q", q=f"%{request.get_json()['q']}%")
        return jsonify([len(rows("SELECT id FROM lot WHERE item_id = :i", i=i)) for (i,) in found])

    @page("/clear", methods=["POST"])
    def clear():
        found = rows("SELECT id FROM lot")
        for (lot,) in found:
            rows("DELETE FROM lot WHERE id = :i RETURNING id", i=lot)
        db.session.commit()
        return jsonify(len(found))

    @page("/quiet", methods=["POST"])
    def quiet():
        return jsonify([i for (i,) in rows("SELECT id FROM item")])

    return app
