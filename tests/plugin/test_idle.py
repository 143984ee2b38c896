"""Installed and unused, the plugin imports nothing and listens to nothing."""

import json
import subprocess
import sys

HEAVY = (
    "flask", "werkzeug", "blinker", "sqlalchemy", "pydantic", "click", "rich", "jinja2", "tomlkit",
    "seatrial.config", "seatrial.model", "seatrial.observe", "seatrial.rules", "seatrial.database", "seatrial.host",
    "seatrial.plugin.guards", "seatrial.plugin.fixtures", "seatrial.plugin.passive",
)  # fmt: skip
CONFTEST = """
import json, sys, threading
STARTED = threading.Thread.start

def pytest_unconfigure(config):
    with open("seen.json", "w") as file:
        ours = [name for name in sys.modules if name.startswith("seatrial")]
        untouched = threading.Thread.start is STARTED
        plugins = [name for name, _ in config.pluginmanager.list_name_plugin() if "seatrial" in name]
        seen = {"modules": sorted(sys.modules), "ours": sorted(ours), "untouched": untouched, "plugins": plugins}
        json.dump(seen, file)
"""


def test_nothing_heavy_is_imported(harbour, tmp_path):
    (tmp_path / "test_one.py").write_text("def test_it():\n    pass\n")
    (tmp_path / "conftest.py").write_text(CONFTEST)
    # By its entry point, without the plugins of others, which import whatever they like.
    environment = harbour.environment | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_PLUGINS": "seatrial.plugin"}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q"], cwd=tmp_path, env=environment, capture_output=True, timeout=60
    )
    assert done.returncode == 0, done.stdout
    seen = json.loads((tmp_path / "seen.json").read_text())
    assert seen["ours"] == ["seatrial", "seatrial.plugin"]
    assert seen["plugins"] == ["seatrial.plugin"]
    assert seen["untouched"]
    assert [name for name in HEAVY if name in seen["modules"]] == []
