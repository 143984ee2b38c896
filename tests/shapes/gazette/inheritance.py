"""Columns of a subclass that the query of the base class leaves out."""

from flask import jsonify
from sqlalchemy import select
from sqlalchemy.orm import selectin_polymorphic, with_polymorphic

from gazette.models import Editor, Staff, Truck, Vehicle, db
from gazette.views import flawed, sound


@flawed.get("/joined-inheritance")
def joined_inheritance():
    vehicles = db.session.scalars(select(Vehicle).order_by(Vehicle.id)).all()
    return jsonify([vehicle.load_kg for vehicle in vehicles])  # HERE joined-inheritance


@sound.get("/joined-inheritance")
def joined_inheritance_sound():
    either = with_polymorphic(Vehicle, [Truck])
    vehicles = db.session.scalars(select(either).order_by(either.id)).all()
    return jsonify([vehicle.load_kg for vehicle in vehicles])


@flawed.get("/single-table-inheritance")
def single_table_inheritance():
    staff = db.session.scalars(select(Staff).order_by(Staff.id)).all()
    return jsonify([person.desk for person in staff])  # HERE single-table-inheritance


@sound.get("/single-table-inheritance")
def single_table_inheritance_sound():
    query = select(Staff).options(selectin_polymorphic(Staff, [Editor])).order_by(Staff.id)
    return jsonify([person.desk for person in db.session.scalars(query)])
