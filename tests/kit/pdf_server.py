"""The journal with three addresses more, to see PDFs drawn under the real server."""

from flask import Response, jsonify

from journal.kit import pdf
from journal.kit.web import public
from wsgi import app

SHORT = '<!doctype html><html lang="en"><head><title>Short</title></head><body><h1>Short</h1></body></html>'
LONG = SHORT.replace("<h1>", "<p>word " * 1500 + "<h1>")


@app.get("/test/short.pdf")
@public
def short() -> Response:
    return Response(pdf.render(SHORT), mimetype="application/pdf")


@app.get("/test/long.pdf")
@public
def long() -> Response:
    return Response(pdf.render(LONG), mimetype="application/pdf")


@app.get("/test/drawer")
@public
def drawer() -> Response:
    process = pdf._drawer._process
    return jsonify(process.pid if process else None)
