"""Every code that guidelog reports, with a page of words: what `guidelog explain` shows and docs/codes.md lists."""

from __future__ import annotations

from collections.abc import Mapping

from guidelog.checks import CODES as CHECKS
from guidelog.checks.codes import Code
from guidelog.diagnostics import InputError, Severity, nearest

from .advice import LINTS
from .suppressions import CODES as SILENCING

_PLAIN: Mapping[str, tuple[str, str]] = {
    "GL001": (
        "text that does not fit here",
        "The statement is not of the grammar in docs/language.md. The caret stands under the first word that does not fit. Other statements are checked all the same.",
    ),
    "GL002": (
        "statement that ends too early",
        "A clause ends with a full stop, a string on its own line, a bracket where it is closed.",
    ),
    "GL003": (
        "file or statement that is too large",
        "Rule files are read up to 5,000,000 characters, statements up to 50,000, brackets 40 deep, so that no file can stall the program.",
    ),
    "GL004": (
        "number that is not written plainly",
        "Whole numbers have at most 12 digits and no zeros in front, so that every reader takes them for the same.",
    ),
    "GL005": (
        "statement that is indented",
        "A statement begins at the margin; a clause may follow another one on its line. Indented lines right below a declaration are part of it, and nowhere else can a statement hide behind spaces.",
    ),
    "GL006": (
        "character that cannot be seen",
        "Control characters, zero-width characters and marks that change the direction of text make a text look like another one. They are errors everywhere, in comments, too.",
    ),
    "GL007": (
        "two readers that disagree",
        "The engine and the independent checker read the rule text each by itself. Where they do not make the same of it, or one of them cannot read it, no answer can be certified.",
    ),
    "GL210": (
        "negation in a loop",
        "An atom depends on its own negation, so that it would be true exactly when it is not. The whole loop is named. Negation is stratified on ground atoms: advice on one intervention may depend on advice on another.",
    ),
    "GL401": ("file that cannot be read", "There is no such file, it is a folder, or reading it failed."),
    "GL402": ("file that is too large", "A patient file may have 1,000,000 bytes."),
    "GL403": (
        "not plain UTF-8 text",
        "Control characters and other encodings are refused, because they can hide or forge what is shown.",
    ),
    "GL404": ("neither YAML nor JSON", "The text breaks the rules of its format at the place shown."),
    "GL405": ("empty record", "The file has no content."),
    "GL406": (
        "part of YAML that is refused",
        "Tags, anchors and aliases, merge keys and several documents in one file are refused: a record says what it says.",
    ),
    "GL407": ("too deep, or too many", "A record nests up to 20 deep and has up to 20,000 parts."),
    "GL408": ("key that stands twice", "One of the two values would be lost without a word."),
    "GL409": ("key that is not text", "The keys of a record are names, not numbers, dates or lists."),
    "GL410": ("record of the wrong shape", "A patient file holds names with values, the first of them `patient:`."),
    "GL411": (
        "unknown part of a record",
        "The parts are patient, as_of, findings, measures, screens, not_read, sources and, in vignettes, expect.",
    ),
    "GL412": (
        "unknown name",
        "The guideline declares no such finding, measure or screen. Nothing is guessed: a misspelt finding would otherwise be unknown for ever.",
    ),
    "GL413": (
        "name in a place where it does not belong",
        "A measure among the findings, an intervention in a record, and the like.",
    ),
    "GL414": ("not a value of a finding", "A finding is present, absent or unknown."),
    "GL415": (
        "not a value of a measure",
        "A number in the measure's unit, `unknown`, `{at_least: …}`, `{at_most: …}`, `{between: [a, b]}` or `{since: date}`.",
    ),
    "GL416": ("outside the range of a measure", "The guideline declares which values are possible."),
    "GL417": ("not a date", "Dates are written 2025-11-13."),
    "GL418": ("date after `as_of`, or no `as_of`", "A start date is counted up to the day that the record describes."),
    "GL419": ("not a value of a screen", "A screen is complete or incomplete."),
    "GL420": (
        "not text where text belongs",
        "Ids and sources are text; numbers and the words that YAML takes for truth values are put in quotes.",
    ),
    "GL421": (
        "record that contradicts itself",
        "The record breaks a background rule, which no real patient does. There is no answer until it is put right.",
    ),
    "GL501": (
        "too many instances of rules",
        "The rules have more ground instances than can be served; join over smaller relations, or split the guideline.",
    ),
    "GL502": ("number that grows too large", "Arithmetic of plain numbers stays below 10^15."),
    "GL601": ("no such guideline", "`--guideline` names a folder with guideline.toml, or one in kb/."),
    "GL602": ("folder without rule files", "A guideline folder has at least one *.dl file, and at most 500."),
    "GL603": ("rule file that cannot be read", "It is missing, too large, not UTF-8 text, or a file of another kind."),
    "GL604": (
        "metadata that is wrong",
        "guideline.toml is not TOML, or misses what every guideline has: id, title, version, review.",
    ),
    "GL641": (
        "sign-off that cannot be read",
        "A line in the guideline's folder reviews/ is not a sign-off, or the list of required roles is not one. Lines are JSON objects, one an entry, as `guidelog review` and the review pages write them.",
    ),
    "GL642": ("release that cannot be made", "Something that a release contains cannot be made."),
    "GL643": (
        "release that cannot be trusted",
        "The signature, a file's hash, a certificate or the sign-offs of a bundle do not hold. Nothing in it is used.",
    ),
    "GL644": ("copy of the source that cannot be read", "The reviewer's copy is Markdown or plain text in UTF-8."),
    "GL645": ("key that cannot be used", "Releases are signed with Ed25519 keys, which `guidelog release key` makes."),
    "GL646": (
        "sign-off that is not complete",
        "A sign-off is one verdict on one statement, by name and role; a query or a rejection has a comment.",
    ),
    "GL605": ("file that cannot be written or read", "The output cannot be written, or a certificate cannot be read."),
    "GL606": (
        "folder that cannot be made",
        "`guidelog new` writes into a folder that does not exist or is empty, with a name of small letters, digits, `_` and `-`.",
    ),
    "GL607": ("language server without its library", "`guidelog lsp` needs pygls: pip install 'guidelog[lsp]'."),
    "GL608": ("no such code", "`guidelog explain --all` lists every code."),
    "GL611": ("no such reading or option", "`--reading` names a declared reading and one of its options."),
    "GL612": ("no such intervention", "Only declared interventions have answers."),
    "GL441": ("code list that cannot be read", "codes.toml is not TOML, not UTF-8 text, or too large."),
    "GL442": (
        "part of a code list that is not known",
        "A misspelt part would be without effect, so it is an error; docs/fhir.md lists the parts and their values.",
    ),
    "GL443": (
        "unknown name in a code list",
        "The guideline declares no such finding or measure, or the list no such concept.",
    ),
    "GL444": (
        "code or concept that stands twice",
        "One code has one meaning; which of the two is meant, nobody can tell.",
    ),
    "GL445": (
        "display that is not about its concept",
        "The display of a verified code mentions one of the words under `mentions`. Public lists carry wrong codes: a code of syncope under the name of another sign, for one.",
    ),
    "GL446": ("wrong check digit", "SNOMED CT and LOINC codes end in a check digit. This one is mistyped."),
    "GL447": (
        "sibling of a listed code that is not listed",
        (
            "The hierarchy beside codes.toml has codes under the same heading as a listed one, and no concept and no net has them: "
            "a record that uses them would be taken to say nothing. List them, as a family too, or put them into a net."
        ),
    ),
    "GL448": (
        "value set or hierarchy that cannot be used",
        "codes.toml names a file of the guideline's folder: a FHIR ValueSet with its codes listed, or a CodeSystem.",
    ),
    "GL451": ("FHIR text that is not JSON", "The text breaks off, or breaks the rules of JSON, at the place shown."),
    "GL452": ("not FHIR resources", "A resource is an object with a `resourceType`; a Bundle has a list of entries."),
    "GL453": (
        "another version of FHIR",
        "Only R4 is read. DSTU2, STU3 and R5 say the same things in other places, so reading them as R4 would lose facts without a word.",
    ),
    "GL454": (
        "FHIR record that is too large or too deep",
        "A record has at most 50,000,000 bytes and 100,000 resources; Bundles nest up to 5 deep.",
    ),
    "GL455": (
        "record of several patients",
        "One patient's facts never reach another's answer. The patients are named; `guidelog cohort` answers for many.",
    ),
    "GL456": ("FHIR resource that is not valid", "`--validate` compared it with the specification, by fhir.resources."),
    "GL457": ("validation without its library", "`--validate` needs fhir.resources: pip install 'guidelog[fhir]'."),
    "GL458": (
        "option of FHIR for another file",
        "A patient file of guidelog gives its own day, and has neither codes nor resources.",
    ),
    "GL459": (
        "patient who has died",
        "The record says that the patient had died by the day that it describes, so no advice is given. An earlier day can be asked for with --as-of.",
    ),
    "GL461": (
        "hooks.toml that cannot be read",
        "The file with what a guideline offers to record systems is TOML in UTF-8; docs/cds-hooks.md says what is in it.",
    ),
    "GL462": (
        "part of hooks.toml that is missing or of another type",
        "Every service has hook, id, title and description; every order an intervention and its concepts.",
    ),
    "GL463": (
        "unknown name in hooks.toml",
        "Interventions are those of the vocabulary, concepts and code systems those of codes.toml, hooks those that are served.",
    ),
    "GL471": (
        "list of trusted clients that cannot be read",
        "The file after `--trust` is TOML, and each key file stands beside it.",
    ),
    "GL472": (
        "list of trusted clients that is wrong",
        "Each client has an issuer and a JWK Set. Only signatures with public keys are allowed.",
    ),
    "GL480": (
        "service without its libraries",
        "`guidelog serve` needs more than the other commands: pip install 'guidelog[web]'.",
    ),
    "GL481": (
        "address that cannot be listened on",
        "Another program has the port, or the address is not of this machine.",
    ),
    "GL482": (
        "folder for feedback that cannot be made",
        "Name another file with `--feedback`, or take none with `--no-feedback`.",
    ),
    "GL483": ("feedback store that is not there", "The file is the one that `guidelog serve --feedback` was given."),
    "GL484": ("feedback store that cannot be read", "It is locked by another program, or not a store of guidelog."),
    "GL430": ("no such input to change", "`what-if --set` names a declared finding, measure or screen."),
    "GL431": ("record without a date", "Without `as_of` nothing can be said about later days."),
    "GL432": ("no such status", "`what-if --reach` names one of the statuses that an answer can have."),
    "GL620": (
        "gallery that cannot be read",
        "The file that lists the patients of the pictures is missing or has the wrong shape; docs/diagrams.md has an example.",
    ),
    "GL621": ("picture that could not be painted", "The layout or the drawing of the picture failed."),
    "GL700": ("cohort without its libraries", "`guidelog cohort` needs an extra: pip install 'guidelog[cohort]'."),
    "GL701": (
        "rules too large for a cohort",
        "The rules make more gates than can be served; a large group of conclusions that depend on each other is the usual reason.",
    ),
    "GL702": ("no such table", "There is no file or folder of that name, or it holds no tables."),
    "GL703": ("not a table", "Tables are CSV, Parquet or DuckDB files."),
    "GL704": (
        "long table where a wide one belongs",
        "The command needs one row for each patient, or one for each value.",
    ),
    "GL705": (
        "table that cannot be read or queried",
        "The table is missing, broken, or its content is not what its columns say.",
    ),
    "GL706": ("output of an unknown kind", "Results and lists of changes end in .csv or .parquet."),
    "GL707": (
        "result in the way",
        "Something is already where the result should go; `--overwrite` replaces a result, and nothing else.",
    ),
    "GL708": ("not a finished result", "The account that a finished run writes beside its result is not there."),
    "GL709": (
        "results that cannot be compared",
        "The two results have nothing in common, or are of different guidelines.",
    ),
    "GL710": (
        "column that is nothing",
        "A column of the table is not a name of the guideline; it is ignored only when told so.",
    ),
    "GL711": ("column that stands twice", "Two columns have the same name or say the same thing."),
    "GL712": ("start dates without a day", "A table with start dates needs the day that each row describes."),
    "GL713": ("no such patient, or more than one", "The table has no row, or several, for that patient."),
    "GL714": ("options that this engine does not have", "The fast engines write wide answers with rule masks."),
    "GL718": (
        "column of another type",
        "By the schema of the table, a column is of a type that its part of a record is not read from.",
    ),
    "GL716": (
        "too many rules for a table of answers",
        "The rules of an answer are written as bits of a number, which has room for 63.",
    ),
    "GL717": (
        "table without rows",
        "There is nobody to answer for, which is more often a wrong file than an empty cohort.",
    ),
    "GL715": ("Spark without its library", "`--engine spark` needs an extra and Java: pip install 'guidelog[spark]'."),
    "GL801": ("name taken by properties", "Properties have predicates of their own, which a guideline cannot declare."),
    "GL802": ("no such property", "`verify` names a property of properties.dl."),
    "GL803": (
        "declaration out of place",
        "A property is about what the guideline declares; it declares only concepts and relations of its own.",
    ),
    "GL804": ("property without a head", "A property is written `never(P) :- …` or as another kind of property."),
    "GL805": ("property without an id or words", "A property has an `id` and says in words what it promises."),
    "GL806": ("two properties with one id", "Reports name properties by their ids."),
    "GL807": ("property about nobody", "A property says about whom it is; `:- patient(P)` is everyone."),
    "GL808": ("unknown kind of property", "The head is neither a kind of property nor declared beside them."),
    "GL809": ("change out of place", "A property about changes says once what changes."),
    "GL810": ("no such name in a property", "The status, intervention or measure does not exist."),
    "GL811": ("property that rests on itself", "A concept of properties may not be recursive."),
    "GL812": ("range in a property", "A property compares with one number."),
    "GL822": (
        "announcement of what does not exist",
        "An announced change names a rule, statement or intervention that neither version has.",
    ),
    "GL831": (
        "neither a guideline nor a revision",
        "`diff` compares folders, git revisions, or a folder in a revision.",
    ),
    "GL832": ("revision without that folder", "The revision has no guideline folder of that name."),
    "GL833": ("revision with no or several guidelines", "Say which folder: `REVISION:folder`."),
    "GL834": ("git failed", "git is missing, or says what is wrong."),
    "GL921": ("no vignettes", "The folder has none, or none matches."),
    "GL922": (
        "expectation of the wrong shape",
        "See kb/lumbar_radiculopathy/vignettes/README.md for what `expect` holds.",
    ),
    "GL923": ("unknown key of an expectation", "A misspelt key would be an expectation that nobody checks."),
    "GL924": (
        "unknown name or value in an expectation",
        "Statements, decisions, interventions, statuses and questions are those of the guideline.",
    ),
    "GL925": (
        "certificate that the checker rejects",
        "The independent checker does not accept what the engine found. This is a defect of guidelog, not of the rules; please report it.",
    ),
    "GL941": (
        "statement that a reviewer queried or rejected",
        "It stays open until the same reviewer accepts the statement; an edit alone does not answer a question.",
    ),
    "GL942": (
        "sign-off that is stale",
        "Something that the reviewer saw is not what stands there now: the statement, its place in the source, a rule, a definition, a decision or the words of a name. The message says which.",
    ),
    "GL943": (
        "guideline that calls itself approved and is not",
        "The status follows from the sign-offs: approved only when every statement is accepted as it is now.",
    ),
    "GL926": (
        "vignette that does not come out as expected",
        "Shown in the editor at the expectation, with the rules that are behind it; `guidelog test` says the same.",
    ),
}

_REMARKS = (
    Code(
        "GL422",
        "record of a day that is still to come",
        "The record is answered, as of its own day. Often the year is mistyped.",
        "",
        "",
        Severity.WARNING,
    ),
)

CODES: Mapping[str, Code] = {
    code.code: code
    for code in sorted(
        [
            *CHECKS,
            *LINTS,
            *SILENCING,
            *_REMARKS,
            *(Code(name, title, text, "", "") for name, (title, text) in _PLAIN.items()),
        ],
        key=lambda code: code.code,
    )
}


def explain(name: str) -> Code:
    """The code of that name, in any case. Raises InputError (GL608) with the nearest one."""
    wanted = name.upper()
    if wanted in CODES:
        return CODES[wanted]
    near = nearest(wanted, CODES)
    raise InputError.of("GL608", f"there is no code `{name}`", hint=f"did you mean `{near}`?" if near else None)


def render_code(code: Code) -> str:
    """A page in Markdown."""
    warning = "a warning; it can be silenced with a reason" if code.bad else "a warning"
    kind = "an error" if code.severity is Severity.ERROR else warning
    parts = [f"## {code.code}: {code.title}", code.text, f"This is {kind}."]
    if code.bad:
        parts += ["Reported for:", _block(code.bad), "Better:", _block(code.good)]
    return "\n\n".join(parts) + "\n"


def render_catalogue() -> str:
    """All pages, as docs/codes.md."""
    head = (
        "# What each code means\n\nGenerated by `guidelog explain --all`; a test compares the two. Errors stop an answer, "
        "warnings do not. A warning is silenced where it stands, with a reason: `% allow GL901: why` above the statement.\n"
    )
    return "\n".join([head, *(render_code(code) for code in CODES.values())])


def _block(text: str) -> str:
    return f"```\n{text.rstrip()}\n```"
