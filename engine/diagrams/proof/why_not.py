"""`why-not`: every criterion of a refusal: met, not met, not known or not required; and what would unblock it."""

from __future__ import annotations

from dataclasses import replace

from guidelog import wording
from guidelog.compiled import Compiled
from guidelog.explain.answers import Answers
from guidelog.explain.why_not import Candidate, Criterion, WhyNot
from guidelog.wording import STATUS, sentence

from ..drawing import palette
from ..drawing.fonts import Run
from ..drawing.page import Head, Legend, Notes, Page, cited, facts_of, missing_note, references
from ..drawing.scene import SMALL, Scene
from ..pathway.overlay import Links
from ..pathway.page import UNSTATED_TEXT
from .tree_layout import Branch, draw, tree_pages, width_of
from .why import rule_runs, statement_of

LEGEND = (
    Legend("box", palette.NOT_MET, "not met"),
    Legend("box", palette.UNKNOWN, "not known: no record"),
    Legend("box", palette.MET, "met"),
    Legend("box", palette.NOT_REQUIRED, "not required"),
    Legend("box", palette.RULE_BOX, "rule, and what the source says"),
)
_LOOKS = {
    "met": palette.MET,
    "not_met": palette.NOT_MET,
    "not_known": palette.UNKNOWN,
    "unknown": palette.UNKNOWN,
    "not_required": palette.NOT_REQUIRED,
}
_COMBINE = {"all": "ALL are required:", "any": "ANY one is enough:", "none": "NONE of these may hold:"}
MOST_BLOCKERS = 8


def refusal_scenes(
    compiled: Compiled, answers: Answers, refusal: WhyNot, root: Branch
) -> tuple[list[Scene], dict[str, int]]:
    """The pages of a refusal, one unless it is deep; and the numbers of its boxes."""
    answer = refusal.answer
    title = f"Why not: {answer.label}? Criteria met, not met and not known"
    desc = f"{answer.says}. {_counts(refusal)}. The text outline says the same in words."

    def paint_page(branch: Branch, place: int, count: int, numbers: dict[str, int]) -> Scene:
        page = Page("why-not" if place == 1 else f"why-not-{place}", w=width_of(branch))
        where = (f"page {place} of {count}",) if count > 1 else ()
        facts = facts_of(
            compiled.guideline, f"patient {answers.patient.id}", *where, "for review only, not for use in care"
        )
        page.head(Head(title, answer.says, facts))
        draw(page, branch, numbers)
        page.symbols(("Symbols", LEGEND))
        page.rule()
        _foot(page, compiled, answers, refusal)
        return page.scene(title, desc)

    return tree_pages(root, paint_page)


def refusal_root(compiled: Compiled, refusal: WhyNot, links: Links) -> Branch:
    """The whole refusal as one tree; a single rule that could have spoken for it is one box with the conclusion."""
    root = _root(compiled, refusal, links)
    if len(root.below) != 1:
        return root
    (rule,) = root.below
    counts = root.remarks[0].partition(": ")[2]
    return replace(root, remarks=(counts,), quote=rule.quote, small=rule.small, combine=rule.combine, below=rule.below)


def _root(compiled: Compiled, refusal: WhyNot, links: Links) -> Branch:
    answer = refusal.answer
    below = tuple(_candidate(compiled, c, f"c{i}", links) for i, c in enumerate(refusal.candidates))
    look = palette.UNKNOWN if answer.status.value == "undetermined" else palette.NOT_MET
    combine = (
        "The rules that could have spoken for it:" if len(below) > 1 else "The rule that could have spoken for it:"
    )
    remarks = (_counts(refusal),)
    return Branch(
        "conclusion", look, STATUS[answer.status].upper(), sentence(answer.label), remarks, combine=combine, below=below
    )


def _counts(refusal: WhyNot) -> str:
    if not refusal.candidates:
        return "no rule of the guideline speaks for it"
    best = refusal.candidates[0]
    words = [
        f"{best.count(state)} {name}"
        for state, name in (("not_met", "not met"), ("not_known", "not known"), ("met", "met"))
    ]
    return f"rule {best.rule}: {', '.join(words)}"


def _candidate(compiled: Compiled, candidate: Candidate, key: str, links: Links) -> Branch:
    rule = compiled.ground.rules_by_id.get(candidate.rule)
    small = rule_runs(rule, candidate.rule, candidate.statements, candidate.citations, compiled.guideline, links)
    below = tuple(_criterion(compiled, c, f"{key}.{i}", links, str(i + 1)) for i, c in enumerate(candidate.criteria))
    count = sum(c.state != "not_required" for c in candidate.criteria)
    combine = f"ALL {count} are required:" if count > 1 else "This is required:"
    quote = statement_of(candidate.statements, compiled)
    return Branch(key, palette.RULE_BOX, "", candidate.says, (), quote, small, combine, below)


def _criterion(
    compiled: Compiled,
    criterion: Criterion,
    key: str,
    links: Links,
    number: str = "",
    *,
    wanted: bool = True,
    spare: bool = False,
) -> Branch:
    """The box of a criterion.

    Under NONE the wish is turned round (`wanted`); what an ANY that is met can do without is `spare`.
    """
    look = _LOOKS[criterion.state]
    word = look.word
    if not wanted and criterion.state in ("met", "not_met"):
        look, word = (palette.NOT_MET, "PRESENT") if criterion.state == "met" else (palette.MET, "ABSENT")
    elif spare and criterion.state != "met":
        look = palette.NOT_REQUIRED
    remarks = [t for t in (criterion.detail, f"source: {criterion.source}" if criterion.source else None) if t]
    if criterion.hidden:
        remarks.append(f"{criterion.hidden} more criteria: shown before, or too deep for a picture")
    small: tuple[Run, ...] = ()
    if criterion.rules:
        rule = compiled.ground.rules_by_id.get(criterion.rules[0])
        shown = criterion.rules[0] + (f" (+{len(criterion.rules) - 1})" if len(criterion.rules) > 1 else "")
        runs = [
            Run("rule ", SMALL, palette.SOFT),
            Run(shown, SMALL, palette.SOFT, href=links.rule(rule) if rule else None),
        ]
        words = cited(criterion.citations, compiled.guideline)
        if words:
            runs += [Run(" · ", SMALL, palette.SOFT), Run(words, SMALL, palette.SOFT, href="#references")]
        small = tuple(runs)
    inner = wanted != (criterion.combine == "none")
    enough = criterion.combine in ("any", "atleast") and criterion.state == "met" and inner
    below = tuple(
        _criterion(compiled, c, f"{key}.{i}", links, wanted=inner, spare=enough) for i, c in enumerate(criterion.parts)
    )
    combine = _COMBINE.get(criterion.combine or "", f"At least {criterion.count} are required:")
    if len(below) == 1 and criterion.combine in ("all", "any"):
        combine = "This is required:"
    return Branch(
        key,
        look,
        f"CRITERION {number}: {word}" if number else word,
        criterion.says,
        tuple(remarks),
        "",
        small,
        combine if below else "",
        below,
    )


def _foot(page: Page, compiled: Compiled, answers: Answers, refusal: WhyNot) -> None:
    lines: list[str] = []
    for candidate in refusal.candidates[:2]:
        blockers = candidate.required
        if blockers:
            lines.append(f"Needed for rule {candidate.rule}, {len(blockers)} in all:")
        elif not candidate.choices:
            lines.append(f"Rule {candidate.rule} holds.")
        for blocker in blockers[:MOST_BLOCKERS]:
            state = "not known" if blocker.criterion.state in ("not_known", "unknown") else "recorded otherwise"
            lines.append(f"•  {blocker.criterion.says} ({state})")
        if len(blockers) > MOST_BLOCKERS:
            lines.append(f"•  and {len(blockers) - MOST_BLOCKERS} more")
        for choice in candidate.choices:
            facts = wording.some((wording.inner(b.criterion.now or b.criterion.says) for b in choice.blockers), 4)
            lines.append(f"•  {wording.choice(choice.says, facts, any_one=choice.any_one)}")
    decided = {d for c in refusal.candidates for d in c.decisions}
    points = [f"{d.id}: {d.point} {d.decided}" for name, d in answers.names.decisions.items() if name in decided]
    more = (f"and {len(points) - 4} more",) if len(points) > 4 else ()
    reading = (
        "Criteria stand in the order of the rule. Not met: the record contradicts it.",
        "Not known: nothing is recorded either way; it is never treated as met or as not met.",
        *missing_note(page.scene("", "").texts()),
    )
    page.notes(
        [
            Notes("What would unblock it", tuple(lines)),
            Notes("Points decided where the source is open", (*points[:4], *more)),
            Notes("Reading this page", reading),
            references(compiled.guideline, page.scene("", "").texts(), UNSTATED_TEXT),
        ]
    )
