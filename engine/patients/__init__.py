"""Patient records: text -> Node -> Patient -> Facts, each step strict. Nothing here knows rules.

`read_text` and `read_document` bound and parse a file, `read_patient` checks it against a vocabulary, `close` gives
every declared name a value. Whatever is wrong with a file is an InputError whose diagnostics point into it:

    GL401  the file cannot be read        GL411  unknown part of a record
    GL402  the file is too large          GL412  unknown name
    GL403  not plain UTF-8 text           GL413  a name in a place where it does not belong
    GL404  not YAML, not JSON             GL414  not a value of a finding
    GL405  empty                          GL415  not a value of a measure
    GL406  part of YAML that is refused   GL416  outside the range of a measure
    GL407  too deep, too many             GL417  not a date
    GL408  a key stands twice             GL418  a date after `as_of`, or no `as_of`
    GL409  a key that is not text         GL419  not a value of a screen
    GL410  a record of the wrong shape    GL420  not text where text belongs

A record also carries what a reader of other forms did not understand (`NotRead`), so that it stays unknown.
`remarks` warns of what can be read and is odd: GL422, a day that is still to come.
"""

from .content import sha256_of
from .document import read_document, read_text
from .facts import Facts, close
from .node import Entry, ListNode, MapNode, Node, ScalarNode
from .not_read import NotRead
from .record import Patient, patient_from_content, read_patient, remarks
from .values import Interval, MeasureValue, Since

__all__ = [
    "Entry",
    "Facts",
    "Interval",
    "ListNode",
    "MapNode",
    "MeasureValue",
    "Node",
    "NotRead",
    "Patient",
    "ScalarNode",
    "Since",
    "close",
    "patient_from_content",
    "read_document",
    "read_patient",
    "read_text",
    "remarks",
    "sha256_of",
]
