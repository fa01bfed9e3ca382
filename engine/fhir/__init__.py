"""FHIR R4: health records in, answers and the guideline out. Nothing here names a code; that is data of the guideline.

In (`reading`): a Bundle, a folder of resources, NDJSON, or resources that were parsed elsewhere become one patient's
record in the public names of a guideline, through its codes.toml. What no resource says is unknown, never absent; what
was used, left open and ignored is reported, and each fact keeps its resource reference as its source.

    load_mapping(guideline, vocabulary) -> CodeMapping
    read_records(data, mapping, vocabulary, *, as_of=None, unverified=False, patient=None, name=…) -> FhirReading
    read_path(path, mapping, vocabulary, *, as_of=None, unverified=False, patient=None) -> FhirReading
    looks_like_fhir(path) -> bool
    split_patients(resources) -> dict[str, list[resource]]

`data` is text (bytes or str) or an iterable of resources, Bundles among them too. `FhirReading.patient` goes to
`pipeline.ask`; `used`, `open`, `ignored` and `problems` say what became of the resources. Every error is an InputError:

    GL441-GL446  codes.toml (`codes`)         GL454  too large, too many, too deep
    GL451  not JSON, or cut off               GL455  more than one patient, or another one than expected
    GL452  not a FHIR resource                GL456  not valid by fhir.resources (`validate`)
    GL453  another version of FHIR than R4    GL457  a library that is not installed
"""

from guidelog.patients.document import looks_like_fhir, text_looks_like_fhir

from .reading.assemble import FhirReading, Ignored, Open, Used, read_path, read_records
from .reading.subject import split_patients
from .terminology.code_file import load_mapping, read_mapping
from .terminology.mapping import CodeMapping

__all__ = [
    "CodeMapping",
    "FhirReading",
    "Ignored",
    "Open",
    "Used",
    "load_mapping",
    "looks_like_fhir",
    "read_mapping",
    "read_path",
    "read_records",
    "split_patients",
    "text_looks_like_fhir",
]
