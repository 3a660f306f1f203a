"""The floor: a bare Flask and SQLAlchemy app that does the least a journal must do, with the same durability.

Session sign-in, a CSRF form, one insert, one indexed read of 365 rows, a chart of them. What the journal costs on top
of it is what we answer for.
"""

import os
from datetime import date, timedelta

from flask import Flask, g, jsonify, redirect, render_template_string, request, session
from flask_wtf import CSRFProtect
from sqlalchemy import Date, Engine, Integer, String, create_engine, event, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{{ title }}</title></head><body><h1>{{ title }}</h1>
<form method="post" action="/save"><input type="hidden" name="csrf_token" value="{{ csrf_token() }}">
<label>Mood <input name="mood"></label><label>Note <textarea name="note"></textarea></label><button>Save</button></form>
{{ chart|safe }}</body></html>"""


class Base(DeclarativeBase):
    pass


class Row(Base):
    __tablename__ = "floor_rows"
    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    person: Mapped[int] = mapped_column(Integer, index=True)
    day: Mapped[date] = mapped_column(Date, index=True)
    mood: Mapped[int] = mapped_column(Integer)
    note: Mapped[str] = mapped_column(String)


class Login(Base):
    __tablename__ = "floor_logins"
    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    name: Mapped[str] = mapped_column(String)


def make_engine(url: str) -> Engine:
    engine = create_engine(url, pool_size=10, max_overflow=30)
    if url.startswith("sqlite"):

        @event.listens_for(engine, "connect")
        def prepare(connection: object, _record: object) -> None:
            connection.isolation_level = None  # type: ignore[attr-defined]
            for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=15000"):
                connection.execute(f"PRAGMA {pragma}")  # type: ignore[attr-defined]

        @event.listens_for(engine, "begin")
        def begin(connection: object) -> None:
            writes = request and request.method == "POST"
            connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")  # type: ignore[attr-defined]

    return engine


def create_app(url: str) -> Flask:
    app = Flask(__name__)
    app.secret_key = "floor"
    CSRFProtect(app)
    engine = make_engine(url)
    Base.metadata.create_all(engine)

    @app.before_request
    def open_unit() -> None:
        g.db = Session(engine)
        g.person = g.db.get(Login, session["person"]) if "person" in session else None

    @app.teardown_request
    def close_unit(_error: object) -> None:
        g.db.close()

    @app.get("/sign-in/<int:person>")
    def sign_in(person: int) -> object:
        with Session(engine) as unit:
            if unit.get(Login, person) is None:
                unit.add(Login(id=person, name=f"person {person}"))
                unit.add_all(
                    Row(person=person, day=date(2026, 11, 22) - timedelta(days=n), mood=n % 11, note="")
                    for n in range(int(os.environ.get("FLOOR_ROWS", "365")))
                )
                unit.commit()
        session["person"] = person
        return redirect("/")

    @app.get("/")
    def home() -> str:
        rows = (
            g.db.execute(select(Row).where(Row.person == g.person.id).order_by(Row.day.desc()).limit(2))
            .scalars()
            .all()
        )
        return render_template_string(PAGE, title=f"Hello {len(rows)}", chart="")

    @app.post("/save")
    def save() -> object:
        g.db.add(
            Row(
                person=g.person.id,
                day=date(2026, 11, 22),
                mood=int(request.form["mood"]),
                note=request.form["note"],
            )
        )
        g.db.commit()
        return redirect("/", 303)

    def values() -> list[tuple[date, int]]:
        rows = g.db.execute(
            select(Row.day, Row.mood).where(Row.person == g.person.id).order_by(Row.day).limit(365)
        )
        return [(row.day, row.mood) for row in rows]

    @app.get("/chart")
    def chart() -> str:
        points = " ".join(f"{i},{100 - mood * 10}" for i, (_day, mood) in enumerate(values()))
        drawing = f'<svg viewBox="0 0 365 100"><polyline points="{points}"/></svg>'
        return render_template_string(PAGE, title="Chart", chart=drawing)

    @app.get("/chart.json")
    def data() -> object:
        return jsonify([(day.isoformat(), mood) for day, mood in values()])

    return app


app = create_app(os.environ["FLOOR_URL"]) if "FLOOR_URL" in os.environ else None
