"""The independent checker: does a certificate prove its claims, given the rule text and the patient record.

It reads both by itself, as docs/language.md and docs/certificates.md have it, and shares nothing with the engine. It is no linter: of
a rule text it refuses only what has no certain meaning. It is set wide and tight, because it has to stay short enough to be audited.
"""
# ruff: noqa: D103, D204, I001, PLC0206
import collections, datetime, hashlib, itertools, json, re
from collections.abc import Iterator, Mapping
from typing import Any

LARGEST, STEPS = 10**18, 100_000  # what a rule text may ask for: plain numbers, steps until nothing new is reachable
MALFORMED = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)
RANGES = {"kept": slice(0, 2), "low": slice(0, 1), "high": slice(1, 2)}  # the ends of a range that a proof looks at
VALUES = {"F": (0, 0), "U": (0, 1), "T": (1, 1)}  # an atom is an input of 0 to 1 ticks, so that every element is a sum
FIELDS = {"F": {"fails"}, "U": {"rule", "subst", "from", "fails"}, "T": {"rule", "subst", "from"}}  # of a step, by its value
ADVICE = {"urgent": "urgent", "do": "recommended", "consider": "consider", "avoid": "avoid", "defer": "not_now"}
BECAUSE = {"kept |": None, "low | low": "missing_data", "high | high": "missing_data", "high kept low | kept": "guideline_range"}
VARIABLE = re.compile("[A-Z_]").match  # the other terms are numbers, names, and strings as JSON text with their quotes
SIGNS, PRECEDENCE = ("<", "<=", ">", ">=", "=", "!="), {"+": 1, "-": 1, "*": 2}
STRING, NAME = r'"(?:[^"\\\n]|\\["\\n])*"', "[A-Za-z][A-Za-z0-9_]*|_(?![0-9])[A-Za-z0-9_]*"
TOKEN = re.compile(rf"{STRING}|{NAME}|[0-9]+|:-|[<>!]=|\.\.|#\[|[][(){{}}.,:;<>=!+*-]")
STATEMENT = re.compile(rf'^\.(.*(?:\s*\n[ \t]+\S.*)*)|((?:{STRING}|\.\.|[^."\s])(?:{STRING}|\.\.|[^."])*+)(\.|\Z)', re.MULTILINE)
canonical = json.JSONEncoder(sort_keys=True).encode  # as text, `1`, `1.0` and `true` differ, as they do not in Python

class Rejected(Exception):
    """Nothing is proved; the message says why."""

def require(holds: object, problem: str) -> None:
    if not holds:
        raise Rejected(problem)
def nested(tokens: Iterator[str]) -> list[Any]:  # the parts between `,`, `:` and `;` up to a closing bracket; a `;` is a part too
    parts: list[Any] = [[]]
    for token in itertools.takewhile(lambda token: token not in (")", "]", "}"), tokens):
        item = nested(tokens) if token in ("(", "[", "{", "#[") else int(token) if token.isdecimal() else token
        parts += [[";"], []] if token == ";" else [[]] if token in (",", ":") else []
        parts[-1] += [item] if token not in (",", ":", ";") else []
    return parts if parts != [[]] else []
def row_of(terms: tuple[Any, ...], bindings: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(bindings[term] if VARIABLE(str(term)) else term for term in terms)
def combine(sign: str, left: dict[str, Any], right: dict[str, Any]) -> dict[str, Any]:
    require(max(map(abs, (*left.values(), *right.values()))) <= LARGEST, "a number is too large")
    if sign == "*":  # two measures in a product make a name that no measure has
        return {x + "*" * bool(x and y) + y: f * g for x, f in left.items() for y, g in right.items()}
    return {name: left.get(name, 0) + (1 if sign == "+" else -1) * right.get(name, 0) for name in left | right}
def evaluate(tokens: list[Any], bindings: Mapping[str, Any], binding: int = 0) -> dict[str, Any]:  # factors of measures, "" for the rest
    token = tokens.pop(0)
    term = evaluate(tokens, bindings, 2) if token == "-" else bindings[token] if VARIABLE(str(token)) else token
    form = term if isinstance(term, dict) else evaluate([*term[0]], bindings) if isinstance(term, list) else {"": term}
    form = combine("-", {"": 0}, form) if token == "-" else form
    while tokens and PRECEDENCE[tokens[0]] > binding:
        sign = tokens.pop(0)
        form = combine(sign, form, evaluate(tokens, bindings, PRECEDENCE[sign]))
    return form
def value_of(element: tuple[Any, ...], known: Mapping[str, Any], ranges: str = "kept") -> int:  # 0 is false, 1 unknown, 2 true
    operator, factors, constants, _ = element
    ends = [[factor * end for end in known[name]] for name, factor in factors]
    low, high, found = sum(map(min, ends)), sum(map(max, ends)), set()
    for constant in constants[RANGES[ranges]]:
        least, most = (low + constant >= 0) + (high + constant >= 0), (low + constant <= 0) + (high + constant <= 0)
        found.add({">=": least, "=": min(least, most), "!=": 2 - min(least, most)}[operator])
    return found.pop() if len(found) == 1 else 1

class Rulebook:
    """A rule text under given readings, ground once for all patients; nothing changes it afterwards.

    An element of a body is ("literal", positive, predicate, terms), ("compare", operator, left, low, high) with tokens as sides, or
    ("atleast", number, members), a member being its literal and its conditions. Ground, it is (operator, factors, constants, number):
    inputs and atoms times factors, plus a constant for each end of a range, are `>=`, `=` or `!=` 0; a number is that of an `atleast`.
    """
    def __init__(self, files: Mapping[str, str], readings: Mapping[str, str]) -> None:
        self.declared, clauses, digest = collections.defaultdict[str, Any](dict), list[Any](), hashlib.sha256()
        for name in sorted(files.keys() - {"properties.dl"}):
            content, bare = files[name].encode(), re.sub(rf"({STRING})|%.*", r"\1", files[name])
            digest.update(b"%b\0%d\0%b" % (name.encode(), len(content), content))
            require(not TOKEN.sub("", bare).strip() and not STATEMENT.sub("", bare).strip(), f"`{name}` cannot be read")
            for declaration, clause, end in STATEMENT.findall(bare):
                require(declaration or end, f"`{name}` ends within a clause")
                number, tokens = itertools.count(1), TOKEN.findall(declaration or clause)
                parts = nested(f"_{next(number)}" if token == "_" else token for token in tokens)
                clauses += [parts] if clause else self.declare(*parts[0])
        self.plain = {name for name, given in self.declared["decl"].items() if "patient" not in given["columns"]}
        self.relations: dict[str, Any] = collections.defaultdict(set, patient={()}, finding={(name,) for name in self.declared["finding"]})
        self.relations["measure"] = [(name, {name: 1, "": 0}) for name in self.declared["measure"]]
        self.sha256, switches = digest.hexdigest(), self.declared["reading"]
        self.readings = {name: given["chosen"][0] for name, given in switches.items()} | dict(readings)
        require(all(option in switches[name]["option"][::2] for name, option in self.readings.items()), "no such reading")
        self.find_instances([clause for parts in clauses for clause in self.clause(*parts)])
    def declare(self, keyword: str, name: str, *rest: Any) -> list[Any]:
        given: Any = collections.defaultdict(list)
        self.declared[keyword][name] = self.declared["input" if keyword in ("finding", "measure") else keyword][name] = given
        for attribute, values in itertools.pairwise(("columns", *rest)):
            given[str(attribute)] += [term for [term] in values] if isinstance(values, list) else []
        given["ticks"] = 7000 if given["unit"] == ["week"] else 1000
        given |= {"range": [0, 1], "unlisted": [0], "ticks": 1} if keyword == "finding" else {}
        return []
    def clause(self, first: list[Any], *others: list[Any]) -> list[tuple[str, Any, list[Any]]]:
        notes = {key: str(value).strip('"') for key, _, value in first.pop(0)} if isinstance(first[0], list) else {}
        place, self.patients = first.index(":-") if ":-" in first else len(first), set[Any]()
        head = self.element(first[:place]) if place else None
        body = [self.element(tokens) for tokens in (first[place + 1 :], *others)] if first[place:] else []
        require(len(self.patients) <= bool(body), "a fact is about a patient, or a rule about two")
        in_force = "reading" not in notes or self.readings[notes["reading"]] == notes["option"]
        return [(notes["id"] if body else "fact", head, body)] if in_force else []
    def element(self, tokens: list[Any]) -> tuple[Any, ...]:
        match tokens:
            case ["atleast", int(number), list(parts)]:
                members = [list(member) for more, member in itertools.groupby(parts, lambda part: part != [";"]) if more]
                return "atleast", number, [[self.element(literal) for literal in member] for member in members]
            case [*negation, str(predicate), list(parts)] if negation in ([], ["!"]):
                terms = [-part[1] if len(part) == 2 else part[0] for part in parts]
                self.patients |= set() if predicate in self.plain else {terms.pop(0)}
                return "literal", not negation, predicate, tuple(terms)
        [place] = [place for place, token in enumerate(tokens) if token in SIGNS]
        right = (tokens[place + 1 : -2], tokens[-1:]) if ".." in tokens else (tokens[place + 1 :],) * 2
        return "compare", tokens[place], tokens[:place], *right
    def find_instances(self, clauses: list[tuple[str, Any, list[Any]]]) -> None:
        names, rules = [name for name, _, body in clauses if body], [clause for clause in clauses if clause[1]]
        require(len({*names, "fact"}) > len(names), "two clauses have the same id")
        uses, self.having, self.unsure = collections.defaultdict[str, list[Any]](list), collections.defaultdict[Any, list[Any]](list), set[str]()
        for rule, (_, _, name, terms) in ((clause, part) for clause in rules for part in clause[2] if part[:2] == ("literal", True)):
            uses[name].append((terms, rule))
        unsure = ["finding", "measure", *(head[2] for _, head, body in rules for kind, sign, _, *rest in body
                                          if kind == "atleast" or not sign or rest[:1] != rest[-1:])]
        for name in unsure:  # where what is reachable may not be true
            unsure += () if name in self.unsure else [head[2] for _, (_, head, _) in uses[name]]
            self.unsure.add(name)
        agenda: list[tuple[Any, dict[str, Any]]] = [(rule, {}) for rule in rules]
        for (_, (_, _, name, columns), body), known in agenda:  # each rule, and again for each new row that it looks at
            require(len(agenda) < STEPS, "the rules make new numbers without end")
            for row in {row_of(columns, bindings) for bindings in self.solutions(body, known)} - self.relations[name]:
                self.relations[name].add(row)
                for place, term in enumerate(row):
                    self.having[name, place, term].append(row)
                found = ((dict(zip(terms, row, strict=True)), terms, rule) for terms, rule in uses[name])
                agenda += [(rule, bindings) for bindings, terms, rule in found if row_of(terms, bindings) == row]
        self.stepped = {head[2] for _, head, body in rules if body}
        self.instances = collections.defaultdict[str, dict[str, Any]](dict)  # atom -> rule and subst -> body
        for name, head, body in rules:
            for bindings in self.solutions(body, {}) if head[2] in self.stepped else ():
                key = canonical([name, {variable: term for variable, term in bindings.items() if not isinstance(term, dict)}])
                self.instances[self.ground(head, bindings)[1][0][0]][key] = [self.ground(element, bindings) for element in body]
        self.stepped &= self.unsure  # a denial may rest on what is reachable and sure
        self.denials = [(name, [self.ground(element, bindings) for element in body])
                        for name, head, body in clauses if not head for bindings in self.solutions(body, {})]
    def rows(self, name: str, known: tuple[Any, ...]) -> Any:  # those that may fit what is known of one
        places = enumerate(known if name not in ("finding", "measure") else ())
        some = (self.having.get((name, place, term), ()) for place, term in places if not VARIABLE(str(term)))
        return [known] if known in self.relations[name] else min(some, key=len, default=self.relations[name])
    def solutions(self, body: list[Any], bindings: dict[str, Any]) -> list[dict[str, Any]]:  # for positive literals and plain numbers
        found, comparisons = [dict(bindings)], [element for element in body if element[0] == "compare"]
        for _, _, predicate, terms in (element for element in body if element[:2] == ("literal", True)):
            found = [more for old in found for known in [tuple(old.get(term, term) for term in terms)]
                     for row in self.rows(predicate, known)
                     for more in [old | {term: value for term, value in zip(terms, row, strict=True) if VARIABLE(str(term))}]
                     if all(more.get(term, term) == value == old.get(term, value) for term, value in zip(terms, row, strict=True))]
        for measured, (_, operator, left, low, _), old in itertools.product((True, False), comparisons * len(comparisons), found):
            for [target, *rest], other in ((left, low), (low, left))[: 2 - measured]:  # first `D = ` what is measured
                defines = operator == "=" and not rest and VARIABLE(str(target)) and target not in old
                if defines and all(name in old for name in re.findall(r'"([A-Z_]\w*)"', canonical(other))):
                    form = evaluate([*other], old)
                    old.update({target: form} if len(form) > 1 else {} if measured else {target: form[""]})
        return [more for more in found if all(total[1] or value_of(total, {}) for total in (self.ground(one, more) for one in comparisons))]
    def ground(self, element: tuple[Any, ...], bindings: dict[str, Any]) -> tuple[Any, ...]:
        if element[0] == "compare":
            _, operator, *sides = element
            left, *ends = (evaluate([*side], bindings) for side in sides)
            if any(isinstance(form[""], str) for form in (left, *ends)):
                return operator, (), (int(left != ends[0]),) * 2, None
            forms = [combine("-", left, end) if operator[0] != "<" else combine("-", end, left) for end in ends]
            ticks = {self.declared["measure"][name]["ticks"] for name in forms[0].keys() - {""}}
            require(len(ticks) < 2 or not any(form[""] for form in forms), "a number is compared in two units")
            constants = tuple(form[""] * max(ticks, default=1) - (operator in ("<", ">")) for form in forms)
            return ">=" if operator[0] in "<>" else operator, tuple(pair for pair in forms[0].items() if pair[0]), constants, None
        (number, members), factors = element[1:] if element[0] == "atleast" else (None, [[element]]), {}
        for (_, positive, predicate, terms), *conditions in members:
            require(not {name for _, _, name, _ in conditions} & self.unsure, "a condition may be unknown")
            found = [more for more in self.solutions(conditions, bindings) if not any(
                     row_of(terms, more) in self.relations[name] for _, sign, name, terms in conditions if not sign)]
            found.sort(key=lambda more: canonical({name: more[name] for name in more.keys() - bindings.keys()}))
            for row in (row_of(terms, more) for more in found):
                reachable, atom = row in self.relations[predicate], f"{predicate}({','.join(map(str, row))})"
                name = row[0] if predicate == "finding" else atom if predicate in self.stepped else ""
                factors[positive, atom] = (name, 1 if positive else -1) if reachable and name else ("", int(reachable == positive))
        least = (1 if number is None else number) - sum(factor < 0 for _, factor in factors.values())
        return ">=", tuple(factors.values()), (-least, -least), number
def verified(book: Rulebook, known: Mapping[str, Any], ranges: str, blocks: list[Any]) -> dict[str, Any]:  # adds the steps of a proof
    steps: dict[str, Any] = {}
    for block, step in ((block, step) for block, content in enumerate(blocks) for step in content):
        fits = step["atom"] in book.instances and step.keys() == FIELDS[step["value"]] | {"atom", "value"}
        require(fits and step["atom"] not in steps, f"`{step['atom']}` may not have such a step, or not two steps")
        steps[step["atom"]] = len(steps), block, step
    known = {**known, **{atom: VALUES[step["value"]] for atom, (_, _, step) in steps.items()}}
    for atom, (number, block, step) in steps.items():
        instances, value, used, problem = book.instances[atom], sum(known[atom]), list[Any](), f"the step of `{atom}` does not hold"
        body = instances[canonical([step["rule"], step["subst"]])] if value else ()
        for element, reference in zip(body, step.get("from", ()), strict=True):
            pairs = [(None, reference)] if element[3] is None else reference  # an `atleast`: for each member it picks
            require(element[3] is None or len({place for place, _ in pairs}) == len(pairs) == element[3], problem)
            for place, given in pairs:
                require(element[3] is None or (type(place) is int and place >= 0), problem)
                part = element if element[3] is None else (">=", (element[1][place],), ((element[1][place][1] < 0) - 1,) * 2, None)
                expected = [steps[name][0] for name, _ in part[1] if name in book.instances]
                require(canonical([given]) == canonical(expected or [None]) and expected < [number], problem)
                require(value_of(part, known, ranges) >= value, problem)
                used.append(part)
        fails = {canonical(instance): place for *instance, place in step.get("fails", ())}
        require(value == 2 or (fails.keys() == instances.keys() and len(fails) == len(step["fails"])), f"`{atom}` has other instances")
        for key, place in fails.items():
            require(type(place) is int and place >= 0 and value_of(instances[key][place], known, ranges) <= value, problem)
            used.append(instances[key][place])
        for name, factor in (pair for element in used for pair in element[1] if pair[0] in book.instances):
            require(steps[name][1] < block + (factor > 0), f"`{name}` is not in an earlier block than `{atom}`")
    return known
def status_of(book: Rulebook, known: Mapping[str, Any], intervention: str) -> str:
    stances, found = (*ADVICE, "emergency"), set()
    ends = [known[atom] if atom in book.instances else (0, 0)
            for atom in ("in_scope()", *(f"advise({intervention},{stance})" for stance in stances))]
    for in_scope, *flags in itertools.product(*(range(low, high + 1) for low, high in ends)):
        said = set(itertools.compress(stances, flags))
        conflict = said & {"urgent", "do", "consider"} and said & {"avoid", "defer"}
        advice = [*(ADVICE[stance] for stance in ADVICE if stance in said), "not_now" if in_scope else "outside_guideline"]
        found.add("emergency_pathway" if "emergency" in said else "conflict" if conflict else advice[0])
    return found.pop() if len(found) == 1 else "undetermined"
def interval(said: Any, given: Mapping[str, Any], as_of: datetime.date) -> tuple[int, int]:  # what a record says of an input, in ticks
    (low, high), ticks = given["range"], given["ticks"]
    said = {"between": [said["at_least"], said["at_most"]]} if isinstance(said, dict) and len(said) == 2 else said
    [(form, content)] = said.items() if isinstance(said, dict) else [("between", [low, high]) if said == "unknown" else (None, said)]
    dates = content["between"][::-1] if isinstance(content, dict) and len(content) == 1 else (content, content)
    ends: Any = {None: (content, content), "at_least": (content, high), "at_most": (low, content), "between": content, "since": dates}
    first, last = ends[form]
    if form == "since":
        least, most = ((as_of - datetime.date.fromisoformat(str(end))).days * 1000 for end in (first, last))
        require(least >= 0 and given["unit"][0] in ("day", "week"), "a date is after `as_of`, or dates no time")
    else:
        require(all(type(end) in (int, float) and round(end * 1000) / 1000 == end for end in (first, last)), "a number is too fine")
        least, most = (round(end * 1000) * ticks // 1000 for end in (first, last))
    require(low * ticks <= least <= most <= high * ticks, "a measure is outside of its range")
    return least, most
def read_record(record: Mapping[str, Any], book: Rulebook) -> tuple[dict[str, Any], dict[str, list[str]]]:  # and what screens close
    require(record.keys() <= {"patient", "as_of", "findings", "measures", "screens", "sources", "expect"}, "the record has unknown fields")
    findings, measures, screens = ({**(record.get(section) or {})} for section in ("findings", "measures", "screens"))
    for kind, section in ("finding", findings), ("measure", measures), ("screen", screens):
        require(section.keys() <= book.declared[kind].keys(), f"the record has a {kind} that is not declared")
    closed: dict[str, list[str]] = {name: [] for name in screens if {"complete": True, "incomplete": False}[screens[name]]}
    said = {name: {"absent": 0, "present": 1, "unknown": "unknown"}[state] for name, state in findings.items()} | measures
    as_of, inputs = datetime.date.fromisoformat(str(record.get("as_of") or "0001-01-01")), book.declared["input"].items()
    for name, given in inputs:
        if name not in said and given["unlisted"] and closed.keys() & given["screen"]:
            [said[name]] = given["unlisted"]
            closed[given["screen"][0]].append(name)
    return {name: interval(said.get(name, "unknown"), given, as_of) for name, given in inputs} | {"": (1, 1)}, closed
def narrowed(body: list[Any], known: Mapping[str, Any]) -> tuple[str, tuple[int, int]] | None:  # what a denial leaves no choice about
    unmet = [(element, value) for element in body if (value := value_of(element, known)) < 2]
    require(unmet, "the record contradicts a background rule")
    match unmet:
        case [((">=" | "!=" as operator, ((name, 1 | -1 as factor),), (constant, _), None), 1)]:
            (low, high), edge = known[name], -factor * constant
            return name, (edge, edge) if operator == "!=" else (low, edge - 1) if factor == 1 else (edge + 1, high)
    return None
def proved(claim: Any, proofs: list[Any], book: Rulebook, known: Mapping[str, Any]) -> Any:  # what the proofs prove
    found = {proof["ranges"]: verified(book, known, **proof) for proof in proofs}
    require(len(found) == len(proofs), "two proofs are for the same ends of ranges")
    if "holds" in claim:
        [step] = [step for block in proofs[0]["blocks"] for step in block if step["atom"] == claim["holds"]]
        return {"holds": step["atom"], "rule": step["rule"]} if [*found] == ["kept"] and step["value"] == "T" else None
    name = claim["intervention"]
    require(name in book.declared["intervention"], "the claim is about no declared intervention")
    status = {ranges: status_of(book, values, name) for ranges, values in found.items()}
    case = " ".join([*sorted(status), "|", *(ranges for ranges in status if status[ranges] == "undetermined")])
    return {"intervention": name, "status": status.get("kept", "undetermined"), "because": BECAUSE[case]}
def read_rules(files: Mapping[str, str], readings: Mapping[str, str]) -> Rulebook:
    """The rules in files (name -> text) under readings; raises `ValueError` on a text that it cannot read."""
    try:
        return Rulebook(files, readings)
    except (Rejected, *MALFORMED) as error:
        raise ValueError(f"the rule text cannot be read: {error}") from error
def check(document: Mapping[str, Any], rulebook: Rulebook, record: Mapping[str, Any], guideline: Mapping[str, Any] | None = None) -> list[Any]:
    """The claims of a certificate, each of which it proves about the record; raises `Rejected` if it does not."""
    try:
        known, closed = read_record(record, rulebook)
        content = {key: value for key, value in record.items() if key != "expect"}
        text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=datetime.date.isoformat)
        patient = {"id": record["patient"], "as_of": record.get("as_of") and str(record["as_of"]), "sha256": hashlib.sha256(text.encode()).hexdigest()}
        named = {key: (guideline or document["guideline"])[key] for key in ("id", "version")}
        source = named | {"sha256": rulebook.sha256, "readings": rulebook.readings}
        expected = {"format": "guidelog-certificate/1", "guideline": source, "patient": patient, "closed": closed, "propagated": [*document["propagated"]]}
        for part in expected:
            require(canonical(document[part]) == canonical(expected[part]), f"`{part}` is not that of the rules and the record")
        require(document.keys() == {*expected, "certificates"} and isinstance(document["certificates"], list), "the certificate has other fields")
        for name, value, denial in document["propagated"]:
            found = [new for id_, body in rulebook.denials if id_ == denial and (new := narrowed(body, known)) and new[0] == name]
            finding = name in rulebook.declared["finding"]
            known[name] = {canonical("FT"[low] if finding else [low, high]): (low, high) for _, (low, high) in found}[canonical(value)]
        require(not any(narrowed(body, known) for _, body in rulebook.denials), "background rules have more to add")
        claims = [(certificate["claim"], proved(**certificate, book=rulebook, known=known)) for certificate in document["certificates"]]
        require(all(canonical(claim) == canonical(proof) for claim, proof in claims), "a claim is not what its proofs prove")
        return [claim for claim, _ in claims]
    except MALFORMED as error:
        raise Rejected("the certificate or the record is malformed") from error
