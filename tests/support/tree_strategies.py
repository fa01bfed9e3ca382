"""Random syntax trees: anything that can be written, whether or not it means anything.

Only what the parser itself never makes is left out: a `-` before a number is part of the number.
"""

from __future__ import annotations

from hypothesis import strategies as st

from guidelog.language import tree
from guidelog.source import Source

LETTERS = "abcxyzABCXYZ019_"
NAMES = st.one_of(
    st.sampled_from(["a", "p", "finding", "atleastx", "atleast_2", "a1", "not", "x_Y9"]),
    st.builds("{}{}".format, st.sampled_from("abz"), st.text(LETTERS, max_size=8)),
).filter(lambda name: name != "atleast")
CAPITALS = st.one_of(
    st.sampled_from(["P", "_", "_x", "X1", "Atleast"]),
    st.builds("{}{}".format, st.sampled_from("ABZ_"), st.text(LETTERS, max_size=8)),
)
TEXTS = st.one_of(
    st.sampled_from(
        ["", "% no comment", 'a "b" c', "\\", "\\n", "a\nb", "{F}", ". :- #[", "é 中 𝄞", "a.\nb(X) :- c(X)."]
    ),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=20).filter(
        lambda text: "\t" not in text and not Source("text", text).hidden
    ),
)
WHOLE = st.one_of(st.integers(-20, 20), st.integers(-(10**12) + 1, 10**12 - 1))

variables = st.builds(tree.Variable, CAPITALS)
symbols = st.builds(tree.Symbol, NAMES)
numbers = st.builds(tree.Number, WHOLE)
texts = st.builds(tree.Text, TEXTS)
terms = st.one_of(variables, symbols, numbers, texts)
atoms = st.builds(tree.Atom, NAMES, st.lists(terms, max_size=4).map(tuple))
literals = st.builds(tree.Literal, atoms, st.booleans())
expressions = st.recursive(
    terms,
    lambda inner: st.one_of(
        st.builds(tree.Arithmetic, st.sampled_from("+-*"), inner, inner),
        inner.filter(lambda e: not isinstance(e, tree.Number)).map(tree.Negative),
    ),
    max_leaves=6,
)
ends = st.integers(0, 10**6)
comparisons = st.one_of(
    st.builds(tree.Comparison, st.sampled_from(["<", "<=", ">", ">=", "=", "!="]), expressions, expressions),
    st.builds(
        tree.Comparison,
        st.sampled_from(["<", "<=", ">", ">=", "=", "!="]),
        expressions,
        st.builds(tree.Range, ends, ends),
    ),
)
members = st.builds(tree.Member, literals, st.lists(literals, max_size=3).map(tuple))
counts = st.builds(tree.AtLeast, st.integers(0, 99), st.lists(members, min_size=1, max_size=3).map(tuple))
elements = st.one_of(literals, comparisons, counts)

simple = st.one_of(st.builds(tree.Key, NAMES), st.builds(tree.Key, CAPITALS), numbers, texts)
values = st.one_of(
    simple,
    st.recursive(simple, lambda inner: st.builds(tree.ListValue, st.lists(inner, max_size=3).map(tuple)), max_leaves=4),
)
notes = st.lists(st.builds(lambda name, value: tree.Attribute(name, (value,)), NAMES, values), max_size=4).map(tuple)
attributes = st.lists(st.builds(tree.Attribute, NAMES, st.lists(simple, max_size=3).map(tuple)), max_size=4).map(tuple)
parameters = st.builds(tree.Parameter, st.one_of(NAMES, CAPITALS), NAMES)
declarations = st.builds(
    tree.Declaration,
    st.text("abcdefgz_", min_size=1, max_size=9),
    st.one_of(NAMES, CAPITALS),
    st.none() | st.lists(parameters, max_size=3).map(tuple),
    st.none() | TEXTS,
    attributes,
)
rules = st.one_of(
    st.builds(tree.Rule, atoms, st.lists(elements, max_size=5).map(tuple), notes),
    st.builds(tree.Rule, st.none(), st.lists(elements, min_size=1, max_size=5).map(tuple), notes),
)
programs = st.builds(tree.Program, st.lists(st.one_of(declarations, rules), max_size=6).map(tuple))
"""Whole programs."""
