"""Pictures of a guideline and of evaluated patients, derived from the rules alone.

The way of a picture: a model (networkx, or plain data) -> a `Scene` with every position -> DOT -> SVG, PNG or PDF,
painted by the Graphviz that is bundled with pygraphviz, in the fonts that are bundled here. Text outlines, tables,
Mermaid and GraphML come from the same model. Nothing is placed by hand for one guideline.
"""
