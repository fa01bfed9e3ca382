"""codes.toml -> CodeMapping, with everything that is wrong in the file reported at its line.

The file is data of a guideline, written by its authors (docs/fhir.md). A name that the guideline does not declare, a
code that stands twice, a display that does not speak of its concept, a wrong check digit: each is an error, because a
wrong code makes a wrong fact. Displays are compared with words the author gives; that a code has the display it claims
is for a list of codes to show (tests/fhir/test_codes.py). FHIR ValueSets and CodeSystems may stand beside it.

    GL441  codes.toml cannot be read      GL444  a code stands twice
    GL442  a part that is not known       GL445  a display that is not about its concept
    GL443  an unknown name                GL446  a wrong check digit
    GL447  a sibling that is not listed   GL448  a value set or hierarchy that cannot be read
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar, get_args

from guidelog.diagnostics import Diagnostic, InputError, Label, Severity, nearest
from guidelog.language.guideline import GuidelineFolder, read_toml
from guidelog.language.vocabulary import Vocabulary
from guidelog.source import Source, Span

from .check_digits import right_digits
from .mapping import AllOf, Code, CodeMapping, Concept, Fact, Family, Form, Match, Net, Overlap, When, Worsening, normal
from .value_sets import Unreadable, hierarchy, value_set

FILE = "codes.toml"
_SHOWN = 5
ANSWER_WORDS: Mapping[str, bool | None] = {"yes": True, "no": False, "unknown": None}
_Content = TypeVar("_Content")
LARGEST = 5_000_000
OWN_SYSTEM = "urn:guidelog:{}"
_TABLES = (
    "systems",
    "sources",
    "hierarchies",
    "concept",
    "net",
    "form",
    "all_of",
    "worsening",
    "overlap",
    "courses",
    "questionnaire",
)
_CONCEPT = ("name", "mentions", "codes", "families", "value_sets", "fact", "note", "words", "reports")
_FAMILY = ("system", "under", "display", "match", "source", "endings", "except")
_NET = ("name", "findings", "measures", "under", "words", "but_not", "weeks", "kinds")
_CODE = ("system", "code", "display", "match", "status", "source", "note")
_FACT = (
    "finding",
    "measure",
    "one_of",
    "when",
    "weeks",
    "present_from",
    "absent_to",
    "scale",
    "absent_for",
    "present_for",
    "suspicion",
    "severe",
    "denies",
    "opens",
    "unit",
    "says",
    "routes",
    "assumes",
)


def load_mapping(guideline: GuidelineFolder, vocabulary: Vocabulary) -> CodeMapping:
    """The code mapping of a guideline; one without codes where its folder has no codes.toml.

    Raises InputError with everything that is wrong in the file.
    """
    mapping, problems = read_mapping(guideline, vocabulary)
    if problems:
        raise InputError(problems)
    return mapping


def read_mapping(
    guideline: GuidelineFolder, vocabulary: Vocabulary, *, siblings: bool = False
) -> tuple[CodeMapping, list[Diagnostic]]:
    """The code mapping as far as it can be read, and all that is wrong with it.

    `siblings`: warn of codes that stand beside a listed one in its hierarchy and are not listed.
    """
    own = OWN_SYSTEM.format(guideline.id)
    path = guideline.folder / FILE
    if not path.is_file():
        return CodeMapping(own, {own: ""}), []
    try:
        if path.stat().st_size > LARGEST:
            raise InputError.of("GL441", f"`{path}` is larger than {LARGEST:,} bytes")
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError.of("GL441", f"`{path}` is not UTF-8 text (byte {error.start:,})") from None
    except OSError as error:
        raise InputError.of("GL441", f"`{path}` cannot be read: {(error.strerror or 'error').lower()}") from None
    return read_codes(Source(_shown(path), text), vocabulary, own, guideline.folder, siblings=siblings)


def read_codes(
    source: Source, vocabulary: Vocabulary, own: str = "", folder: Path | None = None, *, siblings: bool = False
) -> tuple[CodeMapping, list[Diagnostic]]:
    """As `read_mapping`, from a text; `folder` is where the value sets and hierarchies it names stand."""
    try:
        content = read_toml(source, "GL441")
    except InputError as error:
        return CodeMapping(own, {own: ""}), list(error.diagnostics)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        found = re.search(r"at line (\d+), column (\d+)", str(error))
        span = None
        if found is not None and int(found[1]) <= source.line_count:
            start = min(source.offset(int(found[1]), int(found[2])), len(source.text))
            span = Span(source, start, start + 1)
        message = f"{FILE} is not valid TOML: {str(error).lower()}"
        return CodeMapping(own, {own: ""}), [InputError.of("GL441", message, span=span).diagnostics[0]]
    reader = _Reader(source, vocabulary, folder, siblings=siblings)
    mapping = reader.mapping(content, own)
    if siblings and not reader.problems:
        reader.siblings(mapping)
    return mapping, reader.problems


class _Reader:
    """Reads the tables; each one is read even when another is wrong."""

    def __init__(self, source: Source, vocabulary: Vocabulary, folder: Path | None, *, siblings: bool) -> None:
        self.source = source
        self.siblings_asked = siblings
        self.folder = folder
        self.vocabulary = vocabulary
        self.problems: list[Diagnostic] = []
        self.origins: Mapping[str, Any] = {}
        self.systems: dict[str, str] = {}

    def mapping(self, content: Mapping[str, Any], own: str) -> CodeMapping:
        self.known(content, _TABLES, FILE)
        self.origins = self.table(content, "sources")
        self.systems = {own: ""}
        for short, addresses in self.table(content, "systems").items():
            for address in addresses if isinstance(addresses, list) else [addresses]:
                self.systems[str(address)] = short
        concepts: dict[str, Concept] = {}
        codes: dict[tuple[str, str], Code] = {}
        for entry in self.tables(content, "concept"):
            concept = self.concept(entry)
            if concept.name in concepts:
                self.problem("GL444", f"the concept `{concept.name}` stands twice", concept.name, 1)
            concepts[concept.name] = concept
            for code in concept.codes:
                key = code.system, normal(code.system, code.code)
                if key in codes:
                    message = f"the code `{code.code}` of `{code.system}` stands twice: under `{codes[key].concept}` "
                    self.problem("GL444", f"{message}and under `{code.concept}`", code.code, 1)
                codes[key] = code
        hierarchies = {
            system: (self.file(str(name), hierarchy) or {}) if self.siblings_asked else {}
            for system, name in self.table(content, "hierarchies").items()
            if system in self.systems.values()
            or self.unknown("GL442", f"there is no code system `{system}`", system, self.systems.values())
        }
        courses = self.table(content, "courses")
        self.known(courses, ("gap_weeks",), "[courses]")
        asked = self.table(content, "questionnaire")
        self.known(asked, ("resets",), "[questionnaire]")
        return CodeMapping(
            own,
            self.systems,
            concepts,
            codes,
            tuple(self.all_of(e, concepts) for e in self.tables(content, "all_of")),
            tuple(self.worsening(e, concepts) for e in self.tables(content, "worsening")),
            tuple(self.overlap(e, concepts) for e in self.tables(content, "overlap")),
            self.number(courses, "gap_weeks", 2),
            frozenset(n for n in self.texts(asked, "resets") if self.declared(n, "measure")),
            tuple(self.net(e) for e in self.tables(content, "net")),
            tuple(self.form(e) for e in self.tables(content, "form")),
            hierarchies,
        )

    def siblings(self, mapping: CodeMapping) -> None:
        """Report the codes that stand beside a listed one in its hierarchy and that no concept and no net has."""
        addresses = {short: address for address, short in mapping.systems.items()}
        for system, codes in mapping.hierarchies.items():
            beside: dict[str, list[str]] = {}
            for name, place in codes.items():
                beside.setdefault(place.parent, []).append(name)
            for code in mapping.codes.values():
                heading = codes.get(code.code)
                if code.system != system or heading is None or not mapping.names_of(code.concept):
                    continue
                missing: list[str] = [
                    other
                    for other in beside[heading.parent]
                    if not codes[other].has_children
                    and mapping.find(addresses[system], other) is None
                    and not any(mapping.nets_of_code(addresses[system], other))
                ]
                if missing:
                    shown = ", ".join(f"`{m}` ({codes[m].display})" for m in missing[:_SHOWN])
                    more = f" and {len(missing) - _SHOWN} more" if len(missing) > _SHOWN else ""
                    message = f"`{code.code}` is listed, and {shown}{more} beside it are not"
                    hint = "list them, or put their heading into a [[net]]"
                    self.problem("GL447", message, code.code, hint=hint, severity=Severity.WARNING)

    def concept(self, entry: Mapping[str, Any]) -> Concept:
        name = self.text(entry, "name")
        self.known(entry, _CONCEPT, f"the concept `{name}`")
        mentions = tuple(m.casefold() for m in self.texts(entry, "mentions"))
        codes = [self.code(c, name, mentions) for c in self.tables(entry, "codes")]
        listed = {(c.system, normal(c.system, c.code)) for c in codes}
        for given in self.tables(entry, "value_sets"):
            codes += [c for c in self.imported(given, name) if (c.system, normal(c.system, c.code)) not in listed]
        return Concept(
            name,
            tuple(codes),
            tuple(self.fact(f, name) for f in self.tables(entry, "fact")),
            self.text(entry, "note", ""),
            tuple(self.family(f, name, mentions) for f in self.tables(entry, "families")),
            tuple(w.casefold() for w in self.texts(entry, "words")),
            tuple(n for n in self.texts(entry, "reports") if self.declared(n, "finding")),
        )

    def family(self, entry: Mapping[str, Any], concept: str, mentions: tuple[str, ...]) -> Family:
        under = self.text(entry, "under")
        self.known(entry, _FAMILY, f"the family `{under}`", under)
        plain = {k: v for k, v in entry.items() if k in _CODE}
        code = self.code({**plain, "code": under}, concept, mentions)
        ignore = frozenset(normal(code.system, c) for c in self.texts(entry, "except"))
        return Family(code, normal(code.system, under), self.texts(entry, "endings"), ignore)

    def imported(self, entry: Mapping[str, Any], concept: str) -> Iterator[Code]:
        """The codes of a FHIR ValueSet that are of systems which the file knows."""
        name = self.text(entry, "file")
        self.known(entry, ("file", "match"), f"a value set of `{concept}`", concept)
        match: Match = self.word(entry, "match", get_args(Match), "narrower")
        found = self.file(name, value_set)
        called, listed = found or ("", [])
        for system, code, display in listed:
            short = self.systems.get(system)
            if short:
                if not right_digits(short, code):
                    self.problem("GL446", f"`{code}` in `{name}` has a wrong check digit", name)
                yield Code(concept, short, code, display, match, verified=True, source=called or name)

    def file(self, name: str, read: Callable[[Path], _Content]) -> _Content | None:
        """What stands in a file beside codes.toml; None, reported, where it cannot be read."""
        inside = Path(name)
        if self.folder is None:
            return None
        if inside.is_absolute() or ".." in inside.parts or not (self.folder / inside).is_file():
            self.problem("GL448", f"there is no file `{name}` in the guideline's folder", name)
            return None
        try:
            return read(self.folder / inside)
        except Unreadable as error:
            self.problem("GL448", f"`{name}` cannot be used: {error}", name)
            return None

    def net(self, entry: Mapping[str, Any]) -> Net:
        name = self.text(entry, "name")
        self.known(entry, _NET, f"the net `{name}`", name)
        names = [n for n in self.texts(entry, "findings") if self.declared(n, "finding")]
        names += [n for n in self.texts(entry, "measures") if self.declared(n, "measure")]
        families = []
        for system, beginnings in self.table(entry, "under").items():
            if system not in self.systems.values():
                self.unknown("GL442", f"there is no code system `{system}`", system, self.systems.values())
            families += [(system, normal(system, str(b))) for b in (beginnings if isinstance(beginnings, list) else ())]
        return Net(
            name,
            tuple(names),
            tuple(families),
            tuple(w.casefold() for w in self.texts(entry, "words")),
            tuple(w.casefold() for w in self.texts(entry, "but_not")),
            self.optional(entry, "weeks"),
            frozenset(self.texts(entry, "kinds")),
        )

    def form(self, entry: Mapping[str, Any]) -> Form:
        url = self.text(entry, "url")
        self.known(entry, ("url", "items", "answers"), f"the form `{url}`", url)
        items = {}
        declared = (self.vocabulary.findings, self.vocabulary.measures, self.vocabulary.screens)
        for link, name in self.table(entry, "items").items():
            if any(name in group for group in declared):
                items[str(link)] = str(name)
            else:
                message = f"there is no finding, measure or screen `{name}` in this guideline"
                self.unknown("GL443", message, str(name), (n for group in declared for n in group))
        answers: dict[tuple[str, str], bool | None] = {}
        for coding, word in self.table(entry, "answers").items():
            system, _, code = str(coding).rpartition("|")
            if word in ANSWER_WORDS:
                answers[system, code] = ANSWER_WORDS[word]
            else:
                self.unknown("GL442", f"`{word}` is not an answer: yes, no or unknown", str(word), ANSWER_WORDS)
        return Form(url, items, answers)

    def code(self, entry: Mapping[str, Any], concept: str, mentions: tuple[str, ...]) -> Code:
        code, system, display = self.text(entry, "code"), self.text(entry, "system"), self.text(entry, "display", "")
        self.known(entry, _CODE, f"the code `{code}`", code)
        if system not in set(self.systems.values()) - {""}:
            self.unknown("GL442", f"there is no code system `{system}` under [systems]", system, self.systems.values())
        status = self.word(entry, "status", ("verified", "unverified"), "verified")
        match: Match = self.word(entry, "match", get_args(Match), "exact")
        if status == "verified":
            if not display or not entry.get("source"):
                self.problem("GL445", f"the verified code `{code}` has no display or no source", code)
            elif not any(word in display.casefold() for word in mentions):
                words = ", ".join(f"`{m}`" for m in mentions) or "nothing: give the words under `mentions`"
                message = f"the display of `{code}`, `{display}`, is not about `{concept}`"
                self.problem("GL445", message, code, hint=f"it should mention one of {words}")
        if not right_digits(system, code):
            self.problem("GL446", f"`{code}` is not a code of `{system}`: its check digit is wrong", code)
        origin = self.text(entry, "source", "")
        if origin and origin not in self.origins:
            self.unknown("GL442", f"there is no source `{origin}` under [sources]", origin, self.origins)
        return Code(concept, system, code, display, match, status == "verified", str(self.origins.get(origin, origin)))

    def fact(self, entry: Mapping[str, Any], concept: str) -> Fact:
        self.known(entry, _FACT, f"a fact of `{concept}`")
        given = [key for key in ("finding", "measure", "one_of") if key in entry]
        if len(given) != 1:
            self.problem("GL442", f"a fact of `{concept}` names one of `finding`, `measure` and `one_of`", concept)
        names: tuple[str, ...] = ()
        for kind in given[:1]:
            names = self.texts(entry, "one_of") if kind == "one_of" else (self.text(entry, kind),)
            names = tuple(n for n in names if self.declared(n, "measure" if kind == "measure" else "finding"))
        default: When = "since" if given == ["measure"] else "present"
        when: When = self.word(entry, "when", get_args(When), default)
        if (when in ("since", "course")) != (given == ["measure"]):
            self.problem("GL442", f'`when = "{when}"` does not go with `{"".join(given)}`', concept)
        bounds = _pair(entry.get("scale"))
        if bounds is None and "scale" in entry:
            self.problem("GL442", "`scale` is a list of two numbers", "scale", quoted=False)
        return Fact(
            names,
            when,
            self.number(entry, "weeks", 0),
            self.real(entry, "present_from"),
            self.real(entry, "absent_to"),
            bounds,
            self.optional(entry, "absent_for"),
            self.optional(entry, "present_for"),
            entry.get("suspicion") is True,
            entry.get("severe") is True,
            frozenset(self.texts(entry, "routes")),
            entry.get("denies") is True,
            entry.get("opens") is True,
            self.text(entry, "unit", ""),
            self.text(entry, "says", "").casefold(),
            self.text(entry, "assumes", ""),
        )

    def all_of(self, entry: Mapping[str, Any], concepts: Mapping[str, Concept]) -> AllOf:
        self.known(entry, ("finding", "concepts", "assumes"), "[[all_of]]")
        finding = self.text(entry, "finding")
        self.declared(finding, "finding")
        parts = self.of_concepts(self.texts(entry, "concepts"), concepts)
        return AllOf(finding, parts, self.text(entry, "assumes", ""))

    def worsening(self, entry: Mapping[str, Any], concepts: Mapping[str, Concept]) -> Worsening:
        self.known(entry, ("finding", "concepts", "within_weeks", "worse", "assumes"), "[[worsening]]")
        finding = self.text(entry, "finding")
        self.declared(finding, "finding")
        return Worsening(
            finding,
            frozenset(self.of_concepts(self.texts(entry, "concepts"), concepts)),
            self.number(entry, "within_weeks", 0),
            self.word(entry, "worse", ("lower", "higher"), "lower") == "lower",
            self.text(entry, "assumes", ""),
        )

    def overlap(self, entry: Mapping[str, Any], concepts: Mapping[str, Concept]) -> Overlap:
        self.known(entry, ("measure", "groups", "assumes"), "[[overlap]]")
        measure = self.text(entry, "measure")
        self.declared(measure, "measure")
        groups = entry.get("groups")
        if not isinstance(groups, list) or not all(isinstance(g, list) and g for g in groups) or not groups:
            self.problem("GL442", "`groups` of [[overlap]] is a list of lists of concepts", measure)
            groups = []
        return Overlap(
            measure,
            tuple(frozenset(self.of_concepts(map(str, g), concepts)) for g in groups),
            self.text(entry, "assumes", ""),
        )

    def of_concepts(self, names: Iterable[str], concepts: Mapping[str, Concept]) -> tuple[str, ...]:
        return tuple(
            n
            for n in names
            if n in concepts or self.unknown("GL443", f"there is no concept `{n}` in {FILE}", n, concepts)
        )

    def declared(self, name: str, kind: str) -> bool:
        """Whether the guideline has a finding or measure of that name; reported when it has not."""
        known = self.vocabulary.measures if kind == "measure" else self.vocabulary.findings
        if name in known:
            return True
        return self.unknown("GL443", f"there is no {kind} `{name}` in this guideline", name, known)

    def unknown(self, code: str, message: str, word: str, known: Iterable[str]) -> bool:
        near = nearest(word, [k for k in known if k])
        self.problem(code, message, word, hint=f"did you mean `{near}`?" if near else None)
        return False

    def known(self, entry: Mapping[str, Any], keys: tuple[str, ...], where: str, near_to: str = "") -> None:
        for key in entry:
            if key not in keys:
                near = nearest(key, keys)
                hint = f"did you mean `{near}`?" if near else f"there are {', '.join(keys)}"
                self.problem("GL442", f"{where} has no part `{key}`", key, hint=hint, quoted=False, after=near_to)

    def table(self, content: Mapping[str, Any], key: str) -> Mapping[str, Any]:
        value = content.get(key, {})
        if isinstance(value, dict):
            return value
        self.problem("GL442", f"`{key}` is a table", key, quoted=False)
        return {}

    def tables(self, content: Mapping[str, Any], key: str) -> Iterator[Mapping[str, Any]]:
        value = content.get(key, [])
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, dict):
                yield item
            else:
                self.problem("GL442", f"`{key}` is an array of tables", key, quoted=False)

    def text(self, entry: Mapping[str, Any], key: str, default: str | None = None) -> str:
        value = entry.get(key, default)
        if isinstance(value, str) and (value or default is not None):
            return value.strip()
        beside = next((v for v in entry.values() if isinstance(v, str)), key)
        self.problem("GL442", f"`{key}` is missing, or not a text", beside)
        return ""

    def texts(self, entry: Mapping[str, Any], key: str) -> tuple[str, ...]:
        value = entry.get(key, [])
        if isinstance(value, list) and all(isinstance(v, str) for v in value):
            return tuple(value)
        self.problem("GL442", f"`{key}` is a list of texts", key, quoted=False)
        return ()

    def word(self, entry: Mapping[str, Any], key: str, words: tuple[str, ...], default: str) -> Any:
        value = entry.get(key, default)
        if value in words:
            return value
        message = f"`{value}` is not a value of `{key}`: write one of {', '.join(words)}"
        self.unknown("GL442", message, str(value), words)
        return default

    def number(self, entry: Mapping[str, Any], key: str, default: int) -> int:
        value = self.optional(entry, key)
        return default if value is None else value

    def optional(self, entry: Mapping[str, Any], key: str) -> int | None:
        value = entry.get(key)
        if value is None or (isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 10_000):
            return value
        self.problem("GL442", f"`{key}` is a whole number of weeks", key, quoted=False)
        return None

    def real(self, entry: Mapping[str, Any], key: str) -> float | None:
        value = entry.get(key)
        if value is None or (isinstance(value, int | float) and not isinstance(value, bool)):
            return value
        self.problem("GL442", f"`{key}` is a number", key, quoted=False)
        return None

    def problem(
        self,
        code: str,
        message: str,
        word: str,
        nth: int = 0,
        *,
        hint: str | None = None,
        quoted: bool = True,
        after: str = "",
        severity: Severity = Severity.ERROR,
    ) -> None:
        """Note a problem at the place of a word; at the n-th one where it stands several times."""
        start = max(self.source.text.find(f'"{after}"'), 0) if after else 0
        pattern = f'"{re.escape(word)}"' if quoted else rf"\b{re.escape(word)}\b"
        places = list(re.finditer(pattern, self.source.text[start:]))
        labels: tuple[Label, ...] = ()
        if places:
            found = places[min(nth, len(places) - 1)]
            labels = (Label(Span(self.source, start + found.start(), start + found.end())),)
        self.problems.append(Diagnostic(code, message, labels, severity, hint=hint))


def _pair(value: Any) -> tuple[float, float] | None:
    if isinstance(value, list) and len(value) == 2 and all(isinstance(v, int | float) for v in value):
        return float(value[0]), float(value[1])
    return None


def _shown(path: Path) -> str:
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
