"""What the project itself says it is started with: FLASK_APP, a server's command line."""

import re
from dataclasses import dataclass

from seatrial.scaffold.project import Project

FILES = (
    ".flaskenv",
    ".env",
    "Procfile",
    "Makefile",
    "Dockerfile",
    "docker-compose.yml",
    "docker-compose.yaml",
    "compose.yml",
    "compose.yaml",
    "render.yaml",
    "fly.toml",
    "app.json",
    ".replit",
    "start.sh",
    "run.sh",
    "entrypoint.sh",
    "boot.sh",
    ".env.example",
)
_FLASK_APP = re.compile(r"\bFLASK_APP\b[\"']?\s*[=:]?\s*[\"']?([\w./:-]+)")
_SERVER = re.compile(r"\b(?:gunicorn|waitress-serve|uwsgi|flask\s+--app|flask\s+-A)\b")
_TARGET = re.compile(r"(?<![\w./:@-])([A-Za-z_][\w.]*):([A-Za-z_]\w*)(?![\w/.:])")
_FLASK_OPTION = re.compile(r"\bflask\s+(?:--app|-A)[ =]([\w./:-]+)")
_WORKERS = re.compile(r"gunicorn\b[^\n]*?\s(?:-w|--workers)[ =]?(\d+)")


@dataclass(frozen=True, slots=True)
class Declaration:
    """`wsgi:app` as a file names it; the attribute is empty where only a module is named."""

    module: str
    attribute: str
    file: str
    how: str


def declarations(project: Project) -> list[Declaration]:
    """In the order in which the files are to be believed."""
    found: list[Declaration] = []
    for file in FILES:
        for line in project.text(file).splitlines():
            if line.lstrip().startswith("#") and file != "Dockerfile":
                continue
            found += _in_line(line, file)
    return found


def workers(project: Project) -> tuple[int, str] | None:
    """Workers of the deployment and the file that says so."""
    for file in FILES:
        if match := _WORKERS.search(project.text(file)):
            return max(int(match[1]), 1), file
    for file in ("gunicorn.conf.py", "gunicorn_config.py"):
        if match := re.search(r"^workers\s*=\s*(\d+)\s*$", project.text(file), re.MULTILINE):
            return max(int(match[1]), 1), file
    return None


def _in_line(line: str, file: str) -> list[Declaration]:
    found = [_declaration(value, file, "FLASK_APP") for value in _FLASK_APP.findall(line)]
    found += [_declaration(value, file, "flask --app") for value in _FLASK_OPTION.findall(line)]
    if _SERVER.search(line):
        found += [Declaration(m, a, file, "the server's command") for m, a in _TARGET.findall(line)]
    return found


def _declaration(value: str, file: str, how: str) -> Declaration:
    module, _, attribute = value.partition(":")
    module = module.removeprefix("./").removesuffix(".py").strip("/").replace("/", ".").removeprefix("src.")
    return Declaration(module, attribute, file, how)
