"""The sheets of a picture bound into one PDF, titled and in order, each in its own size.

Graphviz paints one page a file; nothing of a page is changed here.
"""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO


def bind(sheets: Sequence[bytes], title: str, names: Sequence[str]) -> bytes:
    """One PDF of painted ones; `names` are the outline entries that readers jump to, one for each sheet."""
    from pypdf import PdfWriter  # loaded for PDF only

    book = PdfWriter()
    for name, sheet in zip(names, sheets, strict=True):
        book.append(BytesIO(sheet), outline_item=name)
    book.add_metadata({"/Title": title})
    with BytesIO() as out:
        book.write(out)
        return out.getvalue()
