"""Strongly connected components, in the order in which they can be evaluated.

Iterative, so that a chain of 10,000 rules does not overflow the stack. networkx has this too; loading it costs a
command a tenth of a second that `ask` does not have.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from typing import TypeVar

Node = TypeVar("Node", bound=Hashable)


def components(edges: Mapping[Node, Iterable[Node]]) -> list[list[Node]]:
    """The strongly connected components of a graph (node to what it depends on), dependencies first (Tarjan 1972)."""
    index: dict[Node, int] = {}
    low: dict[Node, int] = {}
    on_stack: set[Node] = set()
    stack: list[Node] = []
    found: list[list[Node]] = []
    for root in edges:
        if root in index:
            continue
        index[root] = low[root] = len(index)
        stack.append(root)
        on_stack.add(root)
        work = [(root, iter(edges.get(root, ())))]
        while work:
            node, successors = work[-1]
            for successor in successors:
                if successor not in index:
                    index[successor] = low[successor] = len(index)
                    stack.append(successor)
                    on_stack.add(successor)
                    work.append((successor, iter(edges.get(successor, ()))))
                    break
                if successor in on_stack:
                    low[node] = min(low[node], index[successor])
            else:
                work.pop()
                if work:
                    parent = work[-1][0]
                    low[parent] = min(low[parent], low[node])
                if low[node] == index[node]:
                    component: list[Node] = []
                    while True:
                        member = stack.pop()
                        on_stack.discard(member)
                        component.append(member)
                        if member == node:
                            break
                    component.reverse()
                    found.append(component)
    return found


def path(edges: Mapping[Node, Iterable[Node]], start: Node, goal: Node, within: set[Node]) -> list[Node]:
    """A shortest path from start to goal (both included) inside a set of nodes; empty when there is none."""
    previous: dict[Node, Node] = {}
    queue = [start]
    seen = {start}
    for node in queue:
        if node == goal:
            steps = [node]
            while steps[-1] != start:
                steps.append(previous[steps[-1]])
            return steps[::-1]
        for successor in edges.get(node, ()):
            if successor in within and successor not in seen:
                seen.add(successor)
                previous[successor] = node
                queue.append(successor)
    return []
