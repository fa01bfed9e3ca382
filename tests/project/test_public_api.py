"""The front door: its signatures are recorded, its examples run, and a patient gets the same answers through it.

`tests/project/public_api.txt` holds every public name with its signature. A change there is a change for users: it is
written into the changelog, then `pytest --update` records it.
"""

from __future__ import annotations

import doctest
import inspect
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

import guidelog
from golden import Golden
from guidelog import api

ROOT = Path(__file__).parents[2]
KB = ROOT / "kb" / "lumbar_radiculopathy"
SEED = KB / "vignettes" / "seed.yaml"


def described(name: str) -> list[str]:
    thing = getattr(guidelog, name)
    if inspect.isclass(thing) and issubclass(thing, BaseException):
        return [f"{name}({thing.__mro__[1].__name__})"]
    if inspect.isclass(thing) and thing.__module__ == api.__name__:
        members = [(n, m) for n, m in vars(thing).items() if not n.startswith("_") or n in ("__getitem__", "__len__")]
        fields = getattr(thing, "__annotations__", {})
        return [
            f"class {name}",
            *(f"    {n}: {kind}" for n, kind in fields.items() if not n.startswith("_")),
            *(f"    {n}{inspect.signature(m)}" if callable(m) else f"    {n}" for n, m in members if n not in fields),
        ]
    if callable(thing) and not inspect.isclass(thing):
        return [f"{name}{inspect.signature(thing)}"]
    return [name]


def test_the_public_names_and_signatures_are_those_recorded(golden: Golden) -> None:
    lines = [line for name in sorted(guidelog.__all__) for line in described(name)]
    golden(Path(__file__).with_name("public_api.txt"), "\n".join(lines) + "\n")


def test_what_the_package_offers_is_what_the_module_describes() -> None:
    assert set(guidelog.__all__) == {*api.__all__, "__version__"}
    assert [n for n in api.__all__ if not (getattr(api, n).__doc__ or "").strip()] == []


def test_the_examples_of_the_module_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    assert doctest.testmod(api).failed == 0


@pytest.mark.parametrize("page", ["README.md", "docs/api.md"])
def test_the_python_of_the_pages_runs(page: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(ROOT)
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / page).read_text(encoding="utf-8"), re.DOTALL)
    assert blocks
    code = "\n".join(blocks)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr


def test_importing_the_package_loads_nothing_else() -> None:
    code = "import sys, guidelog; print(sorted(m for m in sys.modules if m.startswith('guidelog')))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "['guidelog']"


NATIVE = ("clingo", "duckdb", "graphviz", "numpy", "orjson", "polars", "pyarrow", "pygraphviz")


def test_answers_and_explanations_need_no_native_library() -> None:
    """So that the core runs in a browser: with these made unimportable, a patient is answered, certified and explained."""
    code = f"""
import sys
class Blocked:
    def find_spec(self, name, *_):
        if name.split(".")[0] in {NATIVE!r}:
            raise ImportError(name)
sys.meta_path.insert(0, Blocked())
import guidelog
guideline = guidelog.load({str(KB)!r})
answers = guideline.ask({str(SEED)!r})
for name in guideline.main:
    print(guideline.why(answers, name), guideline.why_not(answers, name))
print(guideline.missing(answers), guideline.when(answers))
print(len(answers))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout.splitlines()[-1]) >= 19


def test_a_patient_from_a_dict_a_file_or_fhir() -> None:
    guideline = guidelog.load(KB)
    from_file = guideline.ask(SEED)
    assert from_file.to_dict()["answers"] == guideline.ask(from_file.patient.content).to_dict()["answers"]
    bundle = json.loads((ROOT / "tests" / "fhir" / "refuted-cauda-equina.json").read_text(encoding="utf-8"))
    assert len(guideline.ask(bundle)) == len(guideline.interventions)


def test_a_certificate_is_checked_cold_and_a_spoiled_one_refused() -> None:
    guideline = guidelog.load(KB)
    answers = guideline.ask(SEED)
    record = answers.patient.content
    assert guidelog.check_certificate(answers.certificate, KB, record)
    spoiled = json.loads(json.dumps(answers.certificate))
    claim = next(c["claim"] for c in spoiled["certificates"] if c["claim"].get("status") == "not_now")
    claim["status"] = "recommended"
    with pytest.raises(guidelog.CertificateError):
        guidelog.check_certificate(spoiled, KB, record)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda g, a: a["mri_lumba"], "did you mean `mri_lumbar`?"),
        (lambda g, a: g.diagram("pathwy"), "there are: pathway, patient, proof, why-not"),
        (lambda g, a: g.diagram("patient"), "needs answers"),
        (lambda g, a: g.diagram("pathway", format="gif"), "there are: svg"),
        (lambda g, a: g.what_if(SEED, {"saddle": "present"}), "saddle"),
    ],
)
def test_what_cannot_be_used_is_said(call: object, says: str) -> None:
    guideline = guidelog.load(KB)
    answers = guideline.ask(SEED, ["mri_lumbar"])
    with pytest.raises(guidelog.InputError) as error:
        call(guideline, answers)  # type: ignore[operator]
    shown = str(error.value) + " ".join(str(d.hint) for d in error.value.diagnostics)
    assert says in shown


def test_a_notebook_shows_the_words_that_are_printed() -> None:
    guideline = guidelog.load(KB)
    answers = guideline.ask(SEED)
    for shown in (answers, guideline.why(answers, "mri_lumbar"), guideline.missing(answers)):
        assert shown._repr_html_().startswith("<pre>")
    assert guideline.title in str(answers)
