"""Does a certificate prove its claims about a patient record, given a rulebook: every step, as docs/certificates.md has it."""

import datetime
import functools
import hashlib
import itertools
import json
from collections.abc import Mapping
from typing import Any

from .rules import MALFORMED, STANCES, Rejected, Rulebook, canonical, key_of, require, value_of

STATES = {"absent": (0, 0), "unknown": (0, 1), "present": (1, 1)}  # of a finding, which is an input of 0 to 1 ticks
VALUES = {"F": (0, 0), "U": (0, 1), "T": (1, 1)}  # so is an atom: every element is a sum
SHOWN = {"atom", "value", "rule", "subst", "from"}
FIELDS = {"F": {"atom", "value", "fails"}, "U": {*SHOWN, "fails"}, "T": SHOWN}  # of a step, by its value
ADVICE = {
    "urgent": "urgent",
    "hold": "not_now",
    "do": "recommended",
    "consider": "consider",
    "avoid": "avoid",
    "defer": "not_now",
}
BECAUSE = {
    "kept |": None,
    "low | low": "missing_data",
    "high | high": "missing_data",
    "high kept low | kept": "guideline_range",
}


def verified(
    book: Rulebook, known: Mapping[str, Any], ranges: str, blocks: list[Any]
) -> dict[str, Any]:  # adds the steps of a proof
    steps, known = dict[str, Any](), {**known}
    for block, content in enumerate(blocks):
        for step in content:
            atom, value = step["atom"], step["value"]
            if atom not in book.instances or atom in steps or step.keys() != FIELDS[value]:
                raise Rejected(f"`{atom}` may not have such a step, or not two steps")
            steps[atom], known[atom] = (len(steps), block, step), VALUES[value]
    for atom, (number, block, step) in steps.items():
        instances, value, used, holds = book.instances[atom], sum(known[atom]), list[Any](), True
        body = instances[key_of(step["rule"], step["subst"])] if value else ()
        for place, (element, reference) in enumerate(zip(body, step["from"] if value else (), strict=True)):
            holds &= (
                value != 1 or place not in book.settled.get(step["rule"], ()) or value_of(element, known, ranges) == 2
            )
            for part, given in ((element, reference),) if element[3] is None else picked(reference, *element[3]):
                if (
                    part[1] and (name := part[1][0][0]) in steps
                ):  # the first of a sum is the only one, or all are inputs
                    holds &= (
                        type(given) is int
                        and given == steps[name][0] < number
                        and value_of(part, known, ranges) >= value
                    )
                    used.append(part[1][0])
                else:
                    holds &= given is None and value_of(part, known, ranges) >= value
        fails = {key_of(rule, subst): place for rule, subst, place in step["fails"]} if value < 2 else {}
        if value < 2 and (fails.keys() != instances.keys() or len(fails) != len(step["fails"])):
            raise Rejected(f"`{atom}` has other instances")
        for key, place in fails.items():
            element = instances[key][place]
            least = max(value, place in book.settled.get(key[0], ()))
            holds &= type(place) is int and place >= 0 and value_of(element, known, ranges) <= least
            used += element[1]
        if not holds:
            raise Rejected(f"the step of `{atom}` does not hold")
        for name, factor in used:
            if name in steps and steps[name][1] >= block + (factor > 0):
                raise Rejected(f"`{name}` is not in an earlier block than `{atom}`")
    return known


def picked(
    pairs: list[Any], number: int, single: list[Any]
) -> list[Any]:  # members of an `atleast`, each with the step it refers to
    places = {place if type(place) is int and place >= 0 else None for place, _ in pairs}
    require(len(places - {None}) == len(pairs) == number, "other members than an `atleast` needs")
    return [(single[place], given) for place, given in pairs]


@functools.cache  # of seven atoms with three values each
def status_of(ends: tuple[tuple[int, int], ...]) -> str:
    found = set()
    for in_scope, *flags in itertools.product(*(range(low, high + 1) for low, high in ends)):
        said = set(itertools.compress(STANCES, flags))
        said -= {"hold"} if "urgent" in said else {"do", "consider", "avoid", "defer"} if "hold" in said else set()
        conflict = said & {"urgent", "do", "consider"} and said & {"avoid", "defer"}
        advice = [
            *(ADVICE[stance] for stance in ADVICE if stance in said),
            "not_now" if in_scope else "outside_guideline",
        ]
        found.add("emergency_pathway" if "emergency" in said else "conflict" if conflict else advice[0])
    return found.pop() if len(found) == 1 else "undetermined"


def interval(
    said: Any, given: Mapping[str, Any], as_of: datetime.date
) -> tuple[int, int]:  # what a record says of an input, in ticks
    (low, high), ticks = given["range"], given["ticks"]
    said = {"between": [said["at_least"], said["at_most"]]} if isinstance(said, dict) and len(said) == 2 else said
    [(form, content)] = (
        said.items() if isinstance(said, dict) else [("between", [low, high]) if said == "unknown" else (None, said)]
    )
    dates = content["between"][::-1] if isinstance(content, dict) and len(content) == 1 else (content, content)
    ends: Any = {
        None: (content, content),
        "at_least": (content, high),
        "at_most": (low, content),
        "between": content,
        "since": dates,
    }
    first, last = ends[form]
    if form == "since":
        least, most = ((as_of - datetime.date.fromisoformat(str(end))).days * 1000 for end in (first, last))
        require(least >= 0 and given["unit"][0] in ("day", "week"), "a date is after `as_of`, or dates no time")
    else:
        require(
            all(type(end) in (int, float) and round(end * 1000) / 1000 == end for end in (first, last)),
            "a number is too fine",
        )
        least, most = (round(end * 1000) * ticks // 1000 for end in (first, last))
    require(low * ticks <= least <= most <= high * ticks, "a measure is outside of its range")
    return least, most


def read_record(
    record: Mapping[str, Any], book: Rulebook
) -> tuple[dict[str, Any], dict[str, list[str]]]:  # and what screens close
    require(
        record.keys() <= {"patient", "as_of", "findings", "measures", "screens", "not_read", "sources", "expect"},
        "the record has unknown fields",
    )
    findings, measures, screens = ({**(record.get(section) or {})} for section in ("findings", "measures", "screens"))
    for kind, section in ("finding", findings), ("measure", measures), ("screen", screens):
        require(section.keys() <= book.declared[kind].keys(), f"the record has a {kind} that is not declared")
    closed: dict[str, list[str]] = {
        name: [] for name in screens if {"complete": True, "incomplete": False}[screens[name]]
    }
    as_of, declared = datetime.date.fromisoformat(str(record.get("as_of") or "0001-01-01")), book.declared["measure"]
    said = {name: STATES[state] for name, state in findings.items()} | {
        name: interval(measures[name], declared[name], as_of) for name in measures
    }
    unread = [entry.get("speaks_of", ()) for entry in record.get("not_read") or ()]  # () is anything at all
    for screen, name, ticks in book.screened:
        if screen in closed and name not in said and not any(not names or name in names for names in unread):
            said[name] = ticks, ticks
            closed[screen].append(name)
    return book.unknown | said, closed


def narrowed(
    body: list[Any], known: Mapping[str, Any]
) -> tuple[str, tuple[int, int]] | None:  # what a denial leaves no choice about
    unmet = [(element, value) for element in body if (value := value_of(element, known)) < 2]
    require(unmet, "the record contradicts a background rule")
    match unmet:
        case [((">=" | "!=" as operator, ((name, 1 | -1 as factor),), {"kept": (constant,)}, None), 1)]:
            (low, high), edge = known[name], -factor * constant
            return name, (edge, edge) if operator == "!=" else (low, edge - 1) if factor == 1 else (edge + 1, high)
    return None


def unsettled(name: str, book: Rulebook, known: Mapping[str, Any]) -> list[str]:
    """The rules below the advice on an intervention that would apply, if something that is not known were so."""
    found, below = set[str](), dict.fromkeys(atom for atom in book.deciding[name][1:] if atom)
    agenda = list(below) if book.settled else []
    for atom in agenda:  # which grows to everything that the advice rests on
        for (rule, *_), body in book.instances[atom].items():
            parts = dict.fromkeys(part for element in body for part, _ in element[1] if part in book.instances)
            agenda += [part for part in parts if part not in below]
            below |= parts
            stepped = [element for element in body if all(part in known for part, _ in element[1])]
            if rule in book.settled and all(value_of(element, known) for element in stepped):
                require(len(stepped) == len(body), "it is not shown whether a rule is unsettled")
                found |= {rule} if any(value_of(body[place], known) == 1 for place in book.settled[rule]) else set()
    return sorted(found)


def proved(claim: Any, proofs: list[Any], book: Rulebook, known: Mapping[str, Any]) -> Any:  # what the proofs prove
    found = {proof["ranges"]: verified(book, known, **proof) for proof in proofs}
    require(len(found) == len(proofs), "two proofs are for the same ends of ranges")
    if "holds" in claim:
        [step] = [step for block in proofs[0]["blocks"] for step in block if step["atom"] == claim["holds"]]
        return {"holds": step["atom"], "rule": step["rule"]} if [*found] == ["kept"] and step["value"] == "T" else None
    name = claim["intervention"]
    atoms = book.deciding[name]
    status = {
        ranges: status_of(tuple((0, 0) if atom is None else values[atom] for atom in atoms))
        for ranges, values in found.items()
    }
    case = " ".join([*sorted(status), "|", *(ranges for ranges in status if status[ranges] == "undetermined")])
    made = {"intervention": name, "status": status.get("kept", "undetermined"), "because": BECAUSE[case]}
    never = made["status"] in ("undetermined", "urgent", "emergency_pathway", "outside_guideline")
    open_ = [] if never else unsettled(name, book, found["kept"])
    return made | ({"unsettled": open_} if open_ else {})


def check(
    document: Mapping[str, Any],
    rulebook: Rulebook,
    record: Mapping[str, Any],
    guideline: Mapping[str, Any] | None = None,
) -> list[Any]:
    """The claims of a certificate, each of which it proves about the record; raises `Rejected` if it does not."""
    try:
        known, closed = read_record(record, rulebook)
        content = {key: value for key, value in record.items() if key != "expect"}
        text = json.dumps(
            content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=datetime.date.isoformat
        )
        patient = {
            "id": record["patient"],
            "as_of": record.get("as_of") and str(record["as_of"]),
            "sha256": hashlib.sha256(text.encode()).hexdigest(),
        }
        named = {key: (guideline or document["guideline"])[key] for key in ("id", "version")}
        source = named | {"sha256": rulebook.sha256, "readings": rulebook.readings}
        expected = {
            "format": "guidelog-certificate/1",
            "guideline": source,
            "patient": patient,
            "closed": closed,
            "propagated": [*document["propagated"]],
        }
        if canonical([document[part] for part in expected]) != canonical([*expected.values()]):
            wrong = [part for part in expected if canonical(document[part]) != canonical(expected[part])]
            raise Rejected(f"`{wrong[0]}` is not that of the rules and the record")
        require(
            document.keys() == {*expected, "certificates"} and isinstance(document["certificates"], list),
            "the certificate has other fields",
        )
        for name, value, denial in document["propagated"]:
            found = [
                new
                for id_, body in rulebook.denials
                if id_ == denial and (new := narrowed(body, known)) and new[0] == name
            ]
            finding = name in rulebook.declared["finding"]
            known[name] = {canonical("FT"[low] if finding else [low, high]): (low, high) for _, (low, high) in found}[
                canonical(value)
            ]
        require(not any(narrowed(body, known) for _, body in rulebook.denials), "background rules have more to add")
        claims = [
            (certificate["claim"], proved(**certificate, book=rulebook, known=known))
            for certificate in document["certificates"]
        ]
        made, proofs = [claim for claim, _ in claims], [proof for _, proof in claims]
        require(canonical(made) == canonical(proofs), "a claim is not what its proofs prove")
    except MALFORMED as error:
        raise Rejected("the certificate or the record is malformed") from error
    return made
