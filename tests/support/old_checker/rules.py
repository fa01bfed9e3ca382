"""What a rule text says: its declarations, and every ground instance of its rules and denials under given readings.

Read by itself as docs/language.md has it. This is no linter: of a rule text it refuses only what has no certain meaning.
"""

import collections
import hashlib
import itertools
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

LARGEST, STEPS = 10**18, 100_000  # what a rule text may ask for: plain numbers, steps until nothing new is reachable
MALFORMED = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)
STANCES = ("urgent", "hold", "do", "consider", "avoid", "defer", "emergency")
VARIABLE = re.compile("[A-Z_]").match  # the other terms are numbers, names, and strings as JSON text with their quotes
SIGNS, PRECEDENCE = ("<", "<=", ">", ">=", "=", "!="), {"+": 1, "-": 1, "*": 2}
STRING, NAME = r'"(?:[^"\\\n]|\\["\\n])*"', "[A-Za-z][A-Za-z0-9_]*|_(?![0-9])[A-Za-z0-9_]*"
TOKEN = re.compile(rf"{STRING}|{NAME}|[0-9]+|:-|[<>!]=|\.\.|#\[|[][(){{}}.,:;<>=!+*-]")
STATEMENT = re.compile(
    rf'^\.(.*(?:\s*\n[ \t]+\S.*)*)|((?:{STRING}|\.\.|[^."\s])(?:{STRING}|\.\.|[^."])*+)(\.|\Z)', re.MULTILINE
)
canonical = json.JSONEncoder(sort_keys=True).encode  # as text, `1`, `1.0` and `true` differ, as they do not in Python


class Rejected(Exception):
    """Nothing is proved; the message says why."""


def require(holds: object, problem: str) -> None:
    if not holds:
        raise Rejected(problem)


def nested(
    tokens: Iterator[str],
) -> list[Any]:  # the parts between `,`, `:` and `;` up to a closing bracket; a `;` is a part too
    parts: list[Any] = [[]]
    for token in itertools.takewhile(lambda token: token not in (")", "]", "}"), tokens):
        item = nested(tokens) if token in ("(", "[", "{", "#[") else int(token) if token.isdecimal() else token
        parts += [[";"], []] if token == ";" else [[]] if token in (",", ":") else []
        parts[-1] += [item] if token not in (",", ":", ";") else []
    return parts if parts != [[]] else []


def key_of(rule: Any, subst: Mapping[str, Any]) -> tuple[Any, ...]:  # of an instance of a rule
    for term in subst.values():
        require(type(term) is str or type(term) is int, "no rule has such an instance")  # `1.0` and `true` are not 1
    return (rule, *sorted(subst.items())) if subst else (rule,)


def row_of(terms: tuple[Any, ...], bindings: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(bindings[term] if VARIABLE(str(term)) else term for term in terms)


def combine(sign: str, left: dict[str, Any], right: dict[str, Any]) -> dict[str, Any]:
    require(max(map(abs, (*left.values(), *right.values()))) <= LARGEST, "a number is too large")
    if sign == "*":  # two measures in a product make a name that no measure has
        return {x + "*" * bool(x and y) + y: f * g for x, f in left.items() for y, g in right.items()}
    return {name: left.get(name, 0) + (1 if sign == "+" else -1) * right.get(name, 0) for name in left | right}


def evaluate(
    tokens: list[Any], bindings: Mapping[str, Any], binding: int = 0
) -> dict[str, Any]:  # factors of measures, "" for the rest
    token = tokens.pop(0)
    term = evaluate(tokens, bindings, 2) if token == "-" else bindings[token] if VARIABLE(str(token)) else token
    form = term if isinstance(term, dict) else evaluate([*term[0]], bindings) if isinstance(term, list) else {"": term}
    form = combine("-", {"": 0}, form) if token == "-" else form
    while tokens and PRECEDENCE[tokens[0]] > binding:
        sign = tokens.pop(0)
        form = combine(sign, form, evaluate(tokens, bindings, PRECEDENCE[sign]))
    return form


def sum_of(
    operator: str, factors: Iterable[tuple[str, int]], low: int, high: int, picks: Any = None
) -> tuple[Any, ...]:
    return operator, tuple(factors), {"kept": tuple({low, high}), "low": (low,), "high": (high,)}, picks


def value_of(
    element: tuple[Any, ...], known: Mapping[str, Any], ranges: str = "kept"
) -> int:  # 0 is false, 1 unknown, 2 true
    operator, factors, constants, _ = element
    low, high, found = 0, 0, -1
    for name, factor in factors:
        least, most = known[name]
        low += factor * (least if factor > 0 else most)
        high += factor * (most if factor > 0 else least)
    for constant in constants[ranges]:
        value = (low + constant >= 0) + (high + constant >= 0)
        if operator != ">=":
            value = min(value, (low + constant <= 0) + (high + constant <= 0))
            value = 2 - value if operator == "!=" else value
        found = value if found in (-1, value) else 1
    return found


class Rulebook:
    """A rule text under given readings, ground once for all patients; nothing changes it afterwards.

    An element of a body is ("literal", positive, predicate, terms), ("compare", operator, left, low, high) with tokens as sides, or
    ("atleast", number, members), a member being its literal and its conditions. Ground, it is (operator, factors, constants, picks): inputs
    and atoms times factors, plus a constant for each end of a range, are `>=`, `=` or `!=` 0; picks are number and members of an `atleast`.
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
        self.relations: dict[str, Any] = collections.defaultdict(
            set, patient={()}, finding={(name,) for name in self.declared["finding"]}
        )
        self.relations["measure"] = [(name, {name: 1, "": 0}) for name in self.declared["measure"]]
        self.unknown: dict[str, tuple[int, int]] = {"": (1, 1)}  # every input by its range, in ticks
        self.screened = list[tuple[str, str, int]]()  # a screen, a member of it, and what it is when it is not listed
        for name, given in self.declared["input"].items():
            low, high = (ticks * given["ticks"] for ticks in given["range"])
            require(type(low) is type(high) is int and low <= high, f"`{name}` has no range")
            self.unknown[name] = low, high
            if given["screen"] and given["unlisted"]:
                [screen], [unlisted] = given["screen"], given["unlisted"]
                self.screened.append((screen, name, unlisted * given["ticks"]))
                require(low <= unlisted * given["ticks"] <= high, f"`{name}` is outside of its range")
        self.settled = dict[str, set[int]]()
        self.sha256, switches = digest.hexdigest(), self.declared["reading"]
        self.readings = {name: given["chosen"][0] for name, given in switches.items()} | dict(readings)
        require(
            all(option in switches[name]["option"][::2] for name, option in self.readings.items()), "no such reading"
        )
        self.find_instances([clause for parts in clauses for clause in self.clause(*parts)])

    def declare(self, keyword: str, name: str, *rest: Any) -> list[Any]:
        given: Any = collections.defaultdict(list)
        self.declared[keyword][name] = self.declared["input" if keyword in ("finding", "measure") else keyword][
            name
        ] = given
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
        if "unsettled" in notes:  # the places of elements that count as false while they are unknown
            scope = ("literal", True, "in_scope", ())
            self.settled[notes["id"]] = {place for place, element in enumerate(body) if element != scope}
        in_force = "reading" not in notes or self.readings[notes["reading"]] == notes["option"]
        return [(notes["id"] if body else "fact", head, body)] if in_force else []

    def element(self, tokens: list[Any]) -> tuple[Any, ...]:
        match tokens:
            case ["atleast", int(number), list(parts)]:
                members = [
                    list(member) for more, member in itertools.groupby(parts, lambda part: part != [";"]) if more
                ]
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
        uses, self.having, self.unsure = (
            collections.defaultdict[str, list[Any]](list),
            collections.defaultdict[Any, list[Any]](list),
            set[str](),
        )
        for rule, (_, _, name, terms) in (
            (clause, part) for clause in rules for part in clause[2] if part[:2] == ("literal", True)
        ):
            uses[name].append((terms, rule))
        unsure = [
            "finding",
            "measure",
            *(
                head[2]
                for _, head, body in rules
                for kind, sign, _, *rest in body
                if kind == "atleast" or not sign or rest[:1] != rest[-1:]
            ),
        ]
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
        self.instances = collections.defaultdict[str, dict[tuple[Any, ...], Any]](
            dict
        )  # atom -> rule and subst -> body
        for name, head, body in rules:
            for bindings in self.solutions(body, {}) if head[2] in self.stepped else ():
                key = key_of(
                    name, {variable: term for variable, term in bindings.items() if not isinstance(term, dict)}
                )
                self.instances[self.ground(head, bindings)[1][0][0]][key] = [
                    self.ground(element, bindings) for element in body
                ]
        self.deciding = {
            name: [
                atom if atom in self.instances else None
                for atom in ("in_scope()", *(f"advise({name},{stance})" for stance in STANCES))
            ]
            for name in self.declared["intervention"]
        }
        self.stepped &= self.unsure  # a denial may rest on what is reachable and sure
        self.denials = [
            (name, [self.ground(element, bindings) for element in body])
            for name, head, body in clauses
            if not head
            for bindings in self.solutions(body, {})
        ]

    def rows(self, name: str, known: tuple[Any, ...]) -> Any:  # those that may fit what is known of one
        places = enumerate(known if name not in ("finding", "measure") else ())
        some = (self.having.get((name, place, term), ()) for place, term in places if not VARIABLE(str(term)))
        return [known] if known in self.relations[name] else min(some, key=len, default=self.relations[name])

    def solutions(
        self, body: list[Any], bindings: dict[str, Any]
    ) -> list[dict[str, Any]]:  # for positive literals and plain numbers
        found, comparisons = [dict(bindings)], [element for element in body if element[0] == "compare"]
        for _, _, predicate, terms in (element for element in body if element[:2] == ("literal", True)):
            found = [
                more
                for old in found
                for known in [tuple(old.get(term, term) for term in terms)]
                for row in self.rows(predicate, known)
                for more in [old | {term: value for term, value in zip(terms, row, strict=True) if VARIABLE(str(term))}]
                if all(
                    more.get(term, term) == value == old.get(term, value)
                    for term, value in zip(terms, row, strict=True)
                )
            ]
        for measured, (_, operator, left, low, _), old in itertools.product(
            (True, False), comparisons * len(comparisons), found
        ):
            for [target, *rest], other in ((left, low), (low, left))[: 2 - measured]:  # first `D = ` what is measured
                defines = operator == "=" and not rest and VARIABLE(str(target)) and target not in old
                if defines and all(name in old for name in re.findall(r'"([A-Z_]\w*)"', canonical(other))):
                    form = evaluate([*other], old)
                    old.update({target: form} if len(form) > 1 else {} if measured else {target: form[""]})
        return [
            more
            for more in found
            if all(total[1] or value_of(total, {}) for total in (self.ground(one, more) for one in comparisons))
        ]

    def ground(self, element: tuple[Any, ...], bindings: dict[str, Any]) -> tuple[Any, ...]:
        if element[0] == "compare":
            _, operator, *sides = element
            left, *ends = (evaluate([*side], bindings) for side in sides)
            if any(isinstance(form[""], str) for form in (left, *ends)):
                require(operator in ("=", "!="), "no order of names")
                return sum_of(operator, (), int(left != ends[0]), int(left != ends[0]))
            forms = [combine("-", left, end) if operator[0] != "<" else combine("-", end, left) for end in ends]
            ticks = {self.declared["measure"][name]["ticks"] for name in forms[0].keys() - {""}}
            require(len(ticks) < 2 or not any(form[""] for form in forms), "a number is compared in two units")
            constants = (form[""] * max(ticks, default=1) - (operator in ("<", ">")) for form in forms)
            return sum_of(
                ">=" if operator[0] in "<>" else operator, (pair for pair in forms[0].items() if pair[0]), *constants
            )
        (number, members), factors = element[1:] if element[0] == "atleast" else (None, [[element]]), {}
        for (_, positive, predicate, terms), *conditions in members:
            require(not {name for _, _, name, _ in conditions} & self.unsure, "a condition may be unknown")
            found = [
                more
                for more in self.solutions(conditions, bindings)
                if not any(
                    row_of(terms, more) in self.relations[name] for _, sign, name, terms in conditions if not sign
                )
            ]
            found.sort(key=lambda more: canonical({name: more[name] for name in more.keys() - bindings.keys()}))
            for row in (row_of(terms, more) for more in found):
                reachable, atom = row in self.relations[predicate], f"{predicate}({','.join(map(str, row))})"
                name = row[0] if predicate == "finding" else atom if predicate in self.stepped else ""
                factors[positive, atom] = (
                    (name, 1 if positive else -1) if reachable and name else ("", int(reachable == positive))
                )
        least = (1 if number is None else number) - sum(factor < 0 for _, factor in factors.values())
        single = [sum_of(">=", [pair], (pair[1] < 0) - 1, (pair[1] < 0) - 1) for pair in factors.values()]
        return sum_of(">=", factors.values(), -least, -least, None if number is None else (number, single))


def read_rules(files: Mapping[str, str], readings: Mapping[str, str]) -> Rulebook:
    """The rules in files (name -> text) under readings; raises `ValueError` on a text that it cannot read."""
    try:
        return Rulebook(files, readings)
    except (Rejected, *MALFORMED) as error:
        raise ValueError(f"the rule text cannot be read: {error}") from error
