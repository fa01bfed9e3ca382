"""How long an author waits: `check` and `test` as processes, the checks up to 2,000 rules, and an edit in the editor.

python benchmarks/workbench.py
"""

from __future__ import annotations

import asyncio
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from lsprotocol import types
from pygls.lsp.client import LanguageClient

KB = Path(__file__).parents[1] / "kb" / "lumbar_radiculopathy"
TOML = 'id = "grown"\ntitle = "Grown"\nversion = "1"\nreview = "draft"\nmain = ["a0"]\n[source]\ntitle = "none"\n'


def process(*arguments: str, kept: bool = True, times: int = 5) -> tuple[float, float]:
    """Seconds that a command takes as a whole process, and those of its processors; medians.

    `kept`: the rules have not changed since an earlier run, which kept them.
    """
    found = []
    for number in range(times + kept):
        environment = {**os.environ, **({} if kept else {"GUIDELOG_CACHE": "off"})}
        start, before = time.perf_counter(), os.times()
        command = [sys.executable, "-c", "from guidelog.cli import main; main()", *arguments]
        subprocess.run(command, capture_output=True, check=False, env=environment)  # noqa: S603
        after = os.times()
        used = after.children_user + after.children_system - before.children_user - before.children_system
        if number or not kept:
            found.append((time.perf_counter() - start, used))
    return statistics.median(f[0] for f in found), statistics.median(f[1] for f in found)


def grown(rules: int) -> str:
    """A sound program of that many rules."""
    findings, concepts = max(2, rules // 10), max(1, rules // 4)
    steps = max(1, rules // 20)
    lines = [f'.finding f{i} "finding {i}" true("f {i}") false("not f {i}")' for i in range(findings)]
    lines += [f'.intervention a{i} "step {i}"' for i in range(steps)]
    lines += ['.statement S1 "all" kind(do) cites()', '.measure m "waiting" unit(week) range(0, 100)']
    lines += ['.concept in_scope(P: patient) true("in") false("out")', '#[id = "SC", statements = ["S1"]]']
    lines += ["in_scope(P) :- finding(P, f0)."]
    for i in range(rules):
        if i < concepts:
            lines += [
                f'.concept c{i}(P: patient) true("c {i}") false("not c {i}")',
                f'#[id = "C{i}", statements = ["S1"]]',
            ]
            lines.append(f"c{i}(P) :- finding(P, f{i % findings}), measure(P, m, W), W >= {i % 50}.")
        else:
            lines.append(f'#[id = "A{i}", statements = ["S1"], cites = [], strength = strong, says = "do {i}"]')
            lines.append(
                f"advise(P, a{i % steps}, do) :- in_scope(P), c{i % concepts}(P), !finding(P, f{i * 7 % findings})."
            )
    return "\n".join(lines) + "\n"


class Editor:
    """A client of the language server that keeps the last diagnostics of each document."""

    def __init__(self) -> None:
        self.client = LanguageClient("editor", "1")
        self.latest: dict[str, set[str]] = {}
        self.news = asyncio.Event()
        self.version = 1

        @self.client.feature(types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)
        def published(params: types.PublishDiagnosticsParams) -> None:
            self.latest[params.uri] = {str(d.code) for d in params.diagnostics}
            self.news.set()

    async def open(self, root: Path, file: Path) -> None:
        await self.client.start_io(sys.executable, "-c", "from guidelog.cli import main; main(['lsp'])")
        start = types.InitializeParams(capabilities=types.ClientCapabilities(), root_uri=root.as_uri())
        await self.client.initialize_async(start)
        self.client.initialized(types.InitializedParams())
        item = types.TextDocumentItem(file.as_uri(), "guidelog", 1, file.read_text(encoding="utf-8"))
        self.client.text_document_did_open(types.DidOpenTextDocumentParams(item))
        await asyncio.sleep(8)  # the first look at everything

    async def close(self) -> None:
        await self.client.shutdown_async(None)
        self.client.exit(None)
        await self.client.stop()

    async def edit(self, file: Path, old: str, new: str, shown: str, test: Callable[[set[str]], bool]) -> float:
        """Seconds from an edit to the diagnostics that follow from it."""
        text = file.read_text(encoding="utf-8")
        offset = text.index(old)
        line, column = text.count("\n", 0, offset), offset - text.rfind("\n", 0, offset) - 1
        self.version += 1
        place = types.Range(types.Position(line, column), types.Position(line, column + len(old)))
        start = time.perf_counter()
        self.client.text_document_did_change(
            types.DidChangeTextDocumentParams(
                types.VersionedTextDocumentIdentifier(uri=file.as_uri(), version=self.version),
                [types.TextDocumentContentChangePartial(range=place, text=new)],
            )
        )
        file.write_text(text.replace(old, new, 1), encoding="utf-8")
        while not test(self.latest.get(shown, set())):
            self.news.clear()
            await asyncio.wait_for(self.news.wait(), 30)
        return time.perf_counter() - start


async def in_a_large_file(folder: Path) -> list[float]:
    """Edits in a file of 2,000 rules, to the diagnostics of the line."""
    (folder / "guideline.toml").write_text(TOML, encoding="utf-8")
    file = folder / "rules.dl"
    file.write_text(grown(2000), encoding="utf-8")
    editor, found = Editor(), []
    await editor.open(folder, file)
    for number in (700, 1200, 1900):
        good = f"advise(P, a{number % 100}, do) :- in_scope(P), c{number % 500}(P)"
        bad = good.replace("in_scope", "in_scop")
        found.append(await editor.edit(file, good, bad, file.as_uri(), lambda codes: "GL201" in codes))
        await asyncio.sleep(0.2)
        found.append(await editor.edit(file, bad, good, file.as_uri(), lambda codes: "GL201" not in codes))
        await asyncio.sleep(6)
    await editor.close()
    return found


async def in_the_bundled_guideline(folder: Path) -> list[float]:
    """Edits of a threshold in the bundled guideline, to the vignettes that break."""
    shutil.copytree(KB, folder, dirs_exist_ok=True)
    file = folder / "conservative_care.dl"
    shown = (folder / "vignettes" / "therapy-5-9-weeks.yaml").as_uri()
    editor, found = Editor(), []
    await editor.open(folder, file)
    for _ in range(3):
        found.append(await editor.edit(file, "W >= 6", "W >= 5", shown, lambda codes: "GL926" in codes))
        found.append(await editor.edit(file, "W >= 5", "W >= 6", shown, lambda codes: "GL926" not in codes))
    await editor.close()
    return found


def main() -> None:
    """Print the tables. Times are medians: seconds that pass, and in brackets those of the processors."""
    both = [process(command, "-g", str(KB)) for command in ("check", "test")]
    alone = process("check", "-g", str(KB), kept=False)
    print(
        f"bundled guideline: check {both[0][0]:.2f} s ({both[0][1]:.2f}), test {both[1][0]:.2f} s ({both[1][1]:.2f}), "
        f"together {both[0][0] + both[1][0]:.2f} s; check with every rule read anew {alone[0]:.2f} s ({alone[1]:.2f})"
    )
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "guideline.toml").write_text(TOML, encoding="utf-8")
        for rules in (100, 500, 1000, 2000):
            Path(folder, "rules.dl").write_text(grown(rules), encoding="utf-8")
            times = [process("check", "-g", folder, *more, kept=False, times=2) for more in (["--no-lint"], [])]
            print(f"{rules:>5} rules, read anew: check --no-lint {times[0][0]:.2f} s, check {times[1][0]:.2f} s")
    for name, work in (
        ("an edit in 2,000 rules, to its diagnostics", in_a_large_file),
        ("an edit in the bundled guideline, to the vignettes that break", in_the_bundled_guideline),
    ):
        with tempfile.TemporaryDirectory() as folder:
            found = asyncio.run(work(Path(folder)))
        print(f"{name}: median {statistics.median(found):.2f} s, worst {max(found):.2f} s")


if __name__ == "__main__":
    main()
