"""The editor settings: well-formed, about the language that there is, and starting the command that there is."""

from __future__ import annotations

import json
import re
import subprocess
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest

from guidelog.checks.attribute_schema import ATTRIBUTES
from guidelog.cli.main import COMMANDS
from guidelog.language.names import BUILT_IN

EDITORS = Path(__file__).parents[2] / "editors"


def _json(path: str) -> Any:
    return json.loads((EDITORS / path).read_text(encoding="utf-8"))


def test_the_extension_names_files_that_exist_and_a_command_that_exists() -> None:
    package = _json("vscode/package.json")
    contributes = package["contributes"]
    files = [package["main"], contributes["languages"][0]["configuration"], contributes["grammars"][0]["path"]]
    assert all((EDITORS / "vscode" / name).is_file() for name in files)
    assert contributes["configuration"]["properties"]["guidelog.command"]["default"] == ["guidelog", "lsp"]
    assert "lsp" in COMMANDS
    code = (EDITORS / "vscode" / package["main"]).read_text(encoding="utf-8")
    for command in contributes["commands"]:
        assert f'"{command["command"]}"' in code
    assert _json("vscode/language-configuration.json")["comments"]["lineComment"] == "%"


def test_the_grammar_knows_the_language() -> None:
    grammar = _json("vscode/syntaxes/guidelog.tmLanguage.json")
    declaration = re.compile(grammar["repository"]["declaration"]["match"])
    for keyword in ATTRIBUTES:
        assert declaration.match(f".{keyword} name"), keyword
    functions = next(p for p in grammar["repository"]["code"]["patterns"] if p["name"].startswith("support.function"))
    for predicate in BUILT_IN:
        assert re.match(functions["match"], f"{predicate.name}(P)"), predicate.name
    included = {p["include"].removeprefix("#") for p in grammar["patterns"]}
    assert included <= set(grammar["repository"])


def test_helix_and_neovim_start_the_server() -> None:
    helix = tomllib.loads((EDITORS / "helix" / "languages.toml").read_text(encoding="utf-8"))
    assert helix["language-server"]["guidelog"] == {"command": "guidelog", "args": ["lsp"]}
    assert helix["language"][0]["file-types"] == ["dl"]
    assert '"guidelog", "lsp"' in (EDITORS / "neovim" / "guidelog.lua").read_text(encoding="utf-8")


@pytest.mark.slow
def test_the_extension_is_packaged_and_its_grammar_colours_the_bundled_rules(tmp_path: Path) -> None:
    done = subprocess.run(
        [EDITORS.parent / ".ci" / "extension", tmp_path], capture_output=True, text=True, timeout=280, check=False
    )
    if done.returncode == 0 and "skipped" in done.stdout:
        pytest.skip(done.stdout.strip().splitlines()[-1])
    assert done.returncode == 0, done.stdout + done.stderr
    assert " 0 with the wrong colour" in done.stdout
    (package,) = tmp_path.glob("*.vsix")
    with zipfile.ZipFile(package) as files:
        names = set(files.namelist())
    assert {"extension/src/extension.js", "extension/syntaxes/guidelog.tmLanguage.json"} <= names
    assert any(name.startswith("extension/node_modules/vscode-languageclient/") for name in names)
    assert not any(name.startswith("extension/test/") for name in names)
