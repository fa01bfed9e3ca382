"""Does a certificate prove its claims about a patient record: every step, as docs/certificates.md has it."""

import functools
import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from .cases import cases_of, is_impossible
from .grounding import FALSE, MALFORMED, STANCES, TRUE, UNKNOWN, Known, Rulebook, Total, canonical, key_of, value_of
from .record import read_record, sha256_of, with_background
from .syntax import Rejected, require

VALUES = {"F": (0, 0), "U": (0, 1), "T": (1, 1)}  # what an atom with this value may be
WORTH = {"F": FALSE, "U": UNKNOWN, "T": TRUE}
SHOWN = {"atom", "value", "rule", "subst", "from"}
FIELDS = {"F": {"atom", "value", "fails"}, "U": {*SHOWN, "fails"}, "T": SHOWN}  # of a step, by its value
FOR, AGAINST = {"do", "consider"}, {"avoid", "defer"}
ADVICE = {"do": "recommended", "consider": "consider", "avoid": "avoid", "defer": "not_now"}
BECAUSE = {  # which settings of ranges are proved, and which of them are undetermined
    "kept |": None,
    "low | low": "missing_data",
    "high | high": "missing_data",
    "kept | kept": "too_many_cases",
    "high kept low | kept": "guideline_range",
}


class Step(NamedTuple):
    """A step with its number and block, the value that it gives to its atom, and what it says."""

    number: int
    block: int
    value: int
    said: Mapping[str, Any]


# > A proof is a list of *blocks*, a block a list of *steps*, each atom at most once in a proof. Steps are numbered
# > from 0 through all blocks.
#
# > a negative literal, in `from` or in `fails`, only steps of **earlier blocks** (or atoms that are not reachable
# > or evaluated by the checker); a positive literal or a member in `fails` may refer to steps of the same block
class Proof:
    """The steps of a proof, each of which holds; `known` has what they prove, beside what the record says.

    In a case `before` has the steps about the record itself: what is settled has the value that it has there.
    """

    def __init__(
        self, book: Rulebook, known: Known, ranges: str, blocks: Sequence[Any], before: "Proof | None" = None
    ) -> None:
        self.book, self.ranges, self.before = book, ranges, before
        self.steps = dict[str, Step]()
        for block, content in enumerate(blocks):
            for said in content:
                atom, value = said["atom"], said["value"]
                require(atom in book.instances and atom not in self.steps, f"`{atom}` has no step, or two")
                require(said.keys() == FIELDS[value], f"a step of `{atom}` has other parts")
                self.steps[atom] = Step(len(self.steps), block, WORTH[value], said)
        self.known = {**known} | {atom: VALUES[step.said["value"]] for atom, step in self.steps.items()}
        for atom, step in self.steps.items():
            used = [*(self.shown(atom, step) if step.value != FALSE else ())]
            used += self.failing(atom, step) if step.value != TRUE else ()
            for name, factor in used:
                earlier = name not in self.steps or self.steps[name].block < step.block + (factor > 0)
                require(earlier, f"`{name}` is not in an earlier block than `{atom}`")

    def worth(self, element: Total) -> int:
        """The value that counts in a rule: a settled element that is unknown is false."""
        if not element.settled:
            return value_of(element, self.known, self.ranges)
        value = value_of(element, (self.before or self).known, self.ranges)
        return TRUE if value == TRUE else FALSE

    # > `from` has one entry for each element of the body: the number of an **earlier step** for a literal,
    # > `null` for what the checker evaluates itself, and for `atleast N` a list of exactly N pairs `[member,
    # > step or null]`
    def shown(self, atom: str, step: Step) -> Iterator[tuple[str, int]]:
        """What a step refers to when it shows an instance, of which every element has at least the step's value."""
        body = self.book.instances[atom][key_of(step.said["rule"], step.said["subst"])]
        for element, reference in zip(body, step.said["from"], strict=True):
            given = element.settled and self.before is not None  # shown before the case
            whole = element.number is None or given
            for part, number in [(element, reference)] if whole else picked(element, reference):
                require(self.worth(part) >= step.value, f"`{atom}` is not shown by `{part.text}`")
                # The first factor is the only one, or all of them are inputs, which have no steps.
                earlier = self.steps.get(part.factors[0][0]) if part.factors and not given else None
                require(type(number) is (type(None) if earlier is None else int), f"`{atom}` refers to another step")
                if earlier is not None:
                    require(number == earlier.number < step.number, f"`{atom}` does not refer to an earlier step")
                    yield part.factors[0]

    # > one entry for **every** ground instance with head `a` (in force under the readings), in any order, with
    # > the place of an element that is F.
    def failing(self, atom: str, step: Step) -> Iterator[tuple[str, int]]:
        """What a step refers to when it names for every instance an element of at most the step's value."""
        instances = self.book.instances[atom]
        fails = {key_of(rule, subst): place for rule, subst, place in step.said["fails"]}
        complete = fails.keys() == instances.keys() and len(fails) == len(step.said["fails"])
        require(complete, f"`{atom}` has other instances")
        for key, place in fails.items():
            require(type(place) is int and place >= 0, f"`{atom}` names no place")
            element = instances[key][place]
            require(self.worth(element) <= step.value, f"`{atom}` does not fail there")
            yield from () if element.settled and self.before is not None else element.factors


def picked(element: Total, pairs: Sequence[Any]) -> list[tuple[Total, Any]]:
    """The members of an `atleast` that are named, each with the step that it refers to: as many as it needs."""
    places = {place for place, _ in pairs if type(place) is int and place >= 0}
    require(len(places) == len(pairs) == element.number, "other members than an `atleast` needs")
    return [(element.members[place], given) for place, given in pairs]


def status_for(said: set[str], in_scope: int) -> str:
    """The status under stances that are taken, as *Status of an intervention* in docs/language.md has it."""
    if "emergency" in said:
        return "emergency_pathway"
    if "urgent" in said:
        return "conflict" if said & AGAINST else "urgent"
    if "hold" in said:
        return "not_now"
    if said & FOR and said & AGAINST:
        return "conflict"
    taken = [status for stance, status in ADVICE.items() if stance in said]
    return [*taken, "not_now" if in_scope else "outside_guideline"][0]


NO_CAUTIONS = ("undetermined", "urgent", "emergency_pathway", "outside_guideline")


# > If all agree that is the status, else `undetermined` as far as three values go
@functools.cache  # of eight atoms with three values each
def status_of(ends: tuple[tuple[int, int], ...]) -> str:
    """The status on which all values agree that scope and stances may have."""
    choices = itertools.product(*(range(low, high + 1) for low, high in ends))
    found = {status_for(set(itertools.compress(STANCES, flags)), in_scope) for in_scope, *flags in choices}
    return found.pop() if len(found) == 1 else "undetermined"


def cautions(name: str, proof: Proof) -> list[str]:
    """The rules below the advice on an intervention that would apply, if something that is not known were so."""
    found, instances = set[str](), proof.book.instances
    below = dict.fromkeys(atom for atom in proof.book.deciding[name][1:] if atom)
    agenda = list(below)
    for atom in agenda:  # which grows to everything that the advice rests on
        parts = (part for body in instances[atom].values() for element in body for part, _ in element.factors)
        new = [part for part in dict.fromkeys(parts) if part in instances and part not in below]
        below |= dict.fromkeys(new)
        agenda += new
    for (rule, *_), body in (pair for atom in below for pair in instances[atom].items()):
        valued = [element for element in body if all(part in proof.known for part, _ in element.factors)]
        values = [value_of(element, proof.known, proof.ranges) for element in valued]
        if any(element.settled for element in body) and FALSE not in values:
            require(len(valued) == len(body), "it is not shown whether a rule is unsettled")
            found |= {rule for element, value in zip(body, values, strict=True) if element.settled and value == UNKNOWN}
    return sorted(found)


# > At least one leaf has `blocks`, and all that have give the same determined status: it is that of the proof.
def decided(name: str, book: Rulebook, known: Known, ranges: str, **parts: Any) -> tuple[str, Proof]:
    """The status that a proof gives to an intervention, and the steps about the record itself."""
    atoms = book.deciding[name]

    def status_in(proof: Proof) -> str:
        return status_of(tuple((0, 0) if atom is None else proof.known[atom] for atom in atoms))

    require(parts.keys() in ({"blocks"}, {"before", "cases"}), "a proof has other parts")
    if "blocks" in parts:
        proof = Proof(book, known, ranges, parts["blocks"])
        return status_in(proof), proof
    before, found = Proof(book, known, ranges, parts["before"]), set[str]()
    for leaf, case in cases_of(parts["cases"], known, book, ranges):
        if "blocks" in leaf:
            found.add(status_in(Proof(book, case, ranges, leaf["blocks"], before)))
        else:
            require(is_impossible(leaf["impossible"], case, book), "a case is not impossible")
    require(len(found) == 1 and "undetermined" not in found, "the cases do not agree on a status")
    return found.pop(), before


def proved(claim: Any, proofs: Sequence[Any], book: Rulebook, known: Known) -> Any:
    """The claim that the proofs prove."""
    if "holds" in claim:
        [proof] = proofs
        require(proof.keys() == {"ranges", "blocks"} and proof["ranges"] == "kept", "a proof has other parts")
        step = Proof(book, known, "kept", proof["blocks"]).steps[claim["holds"]]
        require(step.value == TRUE, "it is not shown that it holds")
        return {"holds": claim["holds"], "rule": step.said["rule"]}
    name = claim["intervention"]
    found = {proof["ranges"]: decided(name, book, known, **proof) for proof in proofs}
    require(len(found) == len(proofs), "two proofs are for the same ends of ranges")
    status = {ranges: status for ranges, (status, _) in found.items()}
    case = " ".join([*sorted(status), "|", *(ranges for ranges in status if status[ranges] == "undetermined")])
    made = {"intervention": name, "status": status.get("kept", "undetermined"), "because": BECAUSE[case]}
    held = made["status"] == "not_now" and found["kept"][1].known.get(f"advise({name},hold)") == (1, 1)
    unsettled = [] if held or made["status"] in NO_CAUTIONS else cautions(name, found["kept"][1])
    return made | ({"unsettled": unsettled} if unsettled else {})


def header(
    document: Mapping[str, Any], book: Rulebook, record: Mapping[str, Any], guideline: Mapping[str, Any] | None
) -> Known:
    """What is known of the patient; the certificate must be about these rules and this record, and say the same."""
    known, closed = read_record(record, book)
    named = {key: (guideline or document["guideline"])[key] for key in ("id", "version")}
    texts = {"sha256": book.sha256, "program_sha256": book.program_sha256}
    as_of = record.get("as_of") and str(record["as_of"])
    expected = {
        "format": "guidelog-certificate/2",
        "guideline": {**named, **texts, "readings": book.readings},
        "patient": {"id": record["patient"], "as_of": as_of, "sha256": sha256_of(record)},
        "closed": closed,
    }
    readings = ", ".join(f"{name} = {option}" for name, option in sorted(book.readings.items()))
    same = canonical(document["guideline"]["readings"]) == canonical(book.readings)
    require(same, f"the certificate is made under other readings than those in force: {readings}")
    for part, value in expected.items():
        require(canonical(document[part]) == canonical(value), f"`{part}` is not that of the rules and the record")
    others = {"propagated", "certificates"}
    require(document.keys() == {*expected, *others}, "the certificate has other fields")
    require(all(isinstance(document[part], list) for part in others), "the certificate has parts of another kind")
    return with_background(known, document["propagated"], book)


def check(
    document: Mapping[str, Any],
    rulebook: Rulebook,
    record: Mapping[str, Any],
    guideline: Mapping[str, Any] | None = None,
) -> list[Any]:
    """The claims of a certificate, each of which it proves about the record; raises `Rejected` if it does not.

    The certificate must be made under the readings of the rulebook. `guideline` has the id and the version of the
    rules, where they are known.
    """
    try:
        known = header(document, rulebook, record, guideline)
        claims = [(given["claim"], proved(**given, book=rulebook, known=known)) for given in document["certificates"]]
        made, shown = [claim for claim, _ in claims], [claim for _, claim in claims]
        require(canonical(made) == canonical(shown), "a claim is not what its proofs prove")
    except MALFORMED as error:
        raise Rejected("the certificate or the record is malformed") from error
    return made
