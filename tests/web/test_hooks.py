"""CDS Hooks as a record system sees it: discovery, cards, ratings, errors; every response against the schemas."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from starlette.testclient import TestClient

from guidelog.diagnostics import InputError
from guidelog.fhir.hooks_config import load_hooks_config
from guidelog.language.guideline import load_guideline
from guidelog.pipeline import compile_guideline
from guidelog.web.app import create_app
from guidelog.web.hooks.cards import plain
from guidelog.web.hooks.schemas import schema
from guidelog.web.settings import Settings
from guidelog.workbench.lints.collect import review
from hook_requests import (
    CPT,
    DAY,
    IDS,
    LOINC,
    MRI,
    OWN,
    RADICULOPATHY,
    SNOMED,
    answers,
    bundle,
    coded,
    condition,
    order,
    request,
    steady,
)

ROOT = Path(__file__).parents[2]
GOLDEN = Path(__file__).parent / "hooks"
KNOWN = answers(
    level_l5_s1=True,
    chronic_radiculopathy=True,
    screen__red_flags=True,
    screen__treatment_history=True,
    conservative_care_weeks=2,
)


class Client:
    """Calls services; whatever comes back must be valid."""

    def __init__(self, http: TestClient) -> None:
        self.http = http

    def reply(self, sent: dict[str, Any], **headers: str) -> Any:
        Draft202012Validator(schema("request")).validate(sent)
        got = self.http.post(f"/cds-services/{IDS[sent['hook']]}", json=sent, headers=headers)
        assert got.status_code == 200, got.text
        said = got.json()
        Draft202012Validator(schema("response")).validate(said)
        for card in said["cards"]:
            lines = [line.split(":**")[0].removeprefix("- **") for line in card["detail"].splitlines()]
            whole = ["Answer", "Says", "Because", "Source", "Guideline"]
            assert lines[0] == "Answer"
            assert lines[-1] == "Guideline"
            assert "links" not in card or set(whole) <= set(lines)
            assert card["uuid"] not in json.dumps(sent)
        return said

    def error(self, status: int, sent: Any, hook: str = "order-sign", **more: Any) -> str:
        got = self.http.post(
            f"/cds-services/{IDS[hook]}",
            **(
                {"json": sent}
                if not isinstance(sent, bytes)
                else {"content": sent, "headers": {"content-type": "application/json"}}
            ),
            **more,
        )
        assert got.status_code == status, got.text
        Draft202012Validator(schema("outcome")).validate(got.json())
        return got.json()["issue"][0]["details"]["text"]


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    with TestClient(
        create_app(Settings(workers=0, as_of=DAY, rate=10_000, burst=10_000)), base_url="http://localhost"
    ) as http:
        yield Client(http)


def ratings(said: dict[str, Any]) -> list[str]:
    actions = said.get("systemActions", [])
    assert said.get("extension", {}).get("systemActions", []) == actions, "both places say the same"
    return [
        c["code"]
        for a in actions
        for e in a["resource"]["extension"]
        if e["url"].endswith("/pama-rating")
        for c in e["valueCodeableConcept"]["coding"]
    ]


def test_the_schemas_are_schemas_and_reject() -> None:
    for name in ("discovery", "request", "response", "feedback", "outcome"):
        Draft202012Validator.check_schema(schema(name))
    card = {"summary": "x" * 140, "indicator": "info", "source": {"label": "x"}}
    for wrong in (
        card,
        {**card, "summary": "x", "indicator": "hard-stop"},
        {"summary": "x", "indicator": "info"},
        {**card, "summary": "x", "suggestions": [{"label": "x"}]},
    ):
        assert not Draft202012Validator(schema("response")).is_valid({"cards": [wrong]})
    assert Draft202012Validator(schema("response")).is_valid({"cards": [{**card, "summary": "x" * 139}]})


def test_discovery_offers_the_three_hooks_and_prefetch_by_tokens(client: Client) -> None:
    got = client.http.get("/cds-services")
    assert got.status_code == 200
    assert got.headers["content-type"] == "application/json"
    Draft202012Validator(schema("discovery")).validate(got.json())
    services = got.json()["services"]
    assert {s["hook"]: s["id"] for s in services} == IDS
    for service in services:
        assert service["prefetch"]
        assert all(t.count("{{context.patientId}}") == 1 for t in service["prefetch"].values())


def test_nothing_is_said_of_a_chart_that_the_guideline_is_not_about(client: Client) -> None:
    assert client.reply(request("patient-view")) == {"cards": []}
    nothing = {"patient": {"resourceType": "Patient", "id": "1"}, "conditions": bundle()}
    assert client.reply(request("patient-view", prefetch=nothing)) == {"cards": []}
    refuted = condition(SNOMED, "2415007", verificationStatus={"coding": [{"code": "refuted"}]})
    assert client.reply(request("patient-view", prefetch={"conditions": bundle(refuted)})) == {"cards": []}
    assert client.reply(request("order-sign")) == {"cards": []}
    assert client.reply(request("order-sign", order("36801-9"))) == {"cards": []}
    assert client.reply(
        request("order-select", MRI, order("36801-9", name="o2"), selections=["ServiceRequest/o2"])
    ) == {"cards": []}


def test_a_chart_that_it_may_be_about_asks_first(client: Client) -> None:
    cards = client.reply(request("patient-view", prefetch={"conditions": bundle(RADICULOPATHY)}))["cards"]
    assert cards
    assert any("ask first" in c["detail"].lower() for c in cards)
    tasks = [a["resource"] for c in cards for s in c.get("suggestions", []) for a in s["actions"]]
    assert any(t["resourceType"] == "Task" for t in tasks)


def test_missing_data_is_unknown_and_never_no(client: Client) -> None:
    said = client.reply(request("order-sign", MRI))
    (card,) = said["cards"]
    assert "undetermined" in card["summary"]
    assert card["indicator"] == "warning"
    assert ratings(said) == [], "without a decision there is no rating"
    assert card["suggestions"][0]["isRecommended"]


def test_an_order_that_is_not_due_gets_the_next_right_step(client: Client) -> None:
    said = client.reply(request("order-sign", MRI, prefetch={"q": bundle(RADICULOPATHY, KNOWN)}))
    (card,) = said["cards"]
    assert card["summary"].startswith("MRI of the lumbar spine: not now.")
    assert card["indicator"] == "warning"
    assert ratings(said) == ["not-appropriate"]
    first, *_, last = card["suggestions"]
    assert first["isRecommended"]
    withdrawn, made = first["actions"]
    assert withdrawn == {"type": "delete", "description": "Withdraw the draft order", "resourceId": "ServiceRequest/o1"}
    assert made["type"] == "create"
    assert made["resource"]["status"] == "draft"
    assert made["resource"]["subject"] == {"reference": "Patient/1"}
    assert made["resource"]["code"]["coding"][-1] == {
        "system": OWN,
        "code": "formal_physical_therapy",
        "display": "formal physical therapy",
    }
    assert [a["type"] for a in last["actions"]] == ["delete"]
    assert "IMG-" in card["detail"]
    assert card["overrideReasons"]


def test_a_step_that_is_ordered_already_is_not_suggested(client: Client) -> None:
    both = [MRI, order("formal_physical_therapy", OWN, "o2")]
    cards = client.reply(request("order-sign", *both, prefetch={"q": bundle(RADICULOPATHY, KNOWN)}))["cards"]
    made = [a["resource"] for s in cards[0]["suggestions"] for a in s["actions"] if a["type"] == "create"]
    assert all("formal_physical_therapy" not in json.dumps(r) for r in made)


def test_the_reason_of_an_order_counts(client: Client) -> None:
    said = client.reply(
        request(
            "order-select", {**MRI, "reasonCode": [coded(SNOMED, "192970008")]}, prefetch={"c": bundle(RADICULOPATHY)}
        )
    )
    emergency, card = said["cards"]
    assert emergency["indicator"] == card["indicator"] == "critical"
    assert "urgent" in card["summary"]
    assert ratings(said) == ["appropriate"]
    (suggestion,) = card["suggestions"]
    assert suggestion["actions"][0]["resource"]["priority"] == "urgent"


def test_an_urgent_order_need_not_be_hurried(client: Client) -> None:
    urgent = {**MRI, "priority": "stat", "reasonCode": [coded(SNOMED, "192970008")]}
    (_, card) = client.reply(request("order-sign", urgent, prefetch={"c": bundle(RADICULOPATHY)}))["cards"]
    assert "suggestions" not in card
    assert "selectionBehavior" not in card


def test_a_rated_order_comes_back_whole_and_is_rated_once(client: Client) -> None:
    before = {"url": "http://example.org/x", "valueString": "kept"}
    sent = {**MRI, "note": [{"text": "kept"}], "extension": [before]}
    prefetch = {"q": bundle(RADICULOPATHY, KNOWN)}
    first = client.reply(request("order-sign", sent, prefetch=prefetch))["systemActions"][0]["resource"]
    again = client.reply(request("order-sign", first, prefetch=prefetch))
    second = again["systemActions"][0]["resource"]
    assert second["extension"][0] == before
    assert [e["url"].rsplit("/", 1)[-1] for e in second["extension"]] == [
        "x",
        "pama-rating",
        "pama-rating-consult-id",
        "pama-rating-auc-applied",
    ]
    assert {k: v for k, v in second.items() if k != "extension"} == {k: v for k, v in sent.items() if k != "extension"}
    assert ratings(again) == ["not-appropriate"]


def test_an_order_without_a_proper_id_is_answered_but_not_touched(client: Client) -> None:
    for name in (None, "", "a b", "../x", "<b>", 7):
        sent = {k: v for k, v in {**MRI, "id": name}.items() if v is not None}
        said = client.reply(request("order-sign", sent, prefetch={"q": bundle(RADICULOPATHY, KNOWN)}))
        (card,) = said["cards"]
        assert ratings(said) == []
        assert {a["type"] for s in card["suggestions"] for a in s["actions"]} == {"create"}


def test_outside_the_guideline_there_is_no_card_and_no_criteria(client: Client) -> None:
    said = client.reply(
        request(
            "order-sign",
            MRI,
            prefetch={"q": answers(chronic_radiculopathy=False, level_l5_s1=False, screen__red_flags=True)},
        )
    )
    assert said["cards"] == []
    assert ratings(said) == ["no-criteria-apply"]


@pytest.mark.parametrize(
    ("code", "system", "intervention"),
    [
        ("24968-0", LOINC, "mri_lumbar"),
        ("72148", CPT, "mri_lumbar"),
        ("mri_lumbar", OWN, "mri_lumbar"),
        ("87187-1", LOINC, "nerve_root_injection"),
        ("64483", CPT, "nerve_root_injection"),
        ("50172003", SNOMED, "surgical_referral"),
        ("surgical_referral", OWN, "surgical_referral"),
    ],
)
def test_orders_are_known_by_their_codes(client: Client, code: str, system: str, intervention: str) -> None:
    (card,) = client.reply(request("order-sign", order(code, system), prefetch={"c": bundle(RADICULOPATHY)}))["cards"]
    label = create_label(client, intervention)
    assert card["summary"].lower().startswith(label.lower())
    assert ("not verified" in card["detail"]) == (code == "64483")


def create_label(client: Client, intervention: str) -> str:
    service = next(r for r in client.http.app.routes if r.path == "/health")  # type: ignore[attr-defined]
    found = next(c.cell_contents for c in service.endpoint.__closure__ if hasattr(c.cell_contents, "compiled"))
    return found.compiled.names.vocabulary.interventions[intervention].label


def test_a_wide_code_counts_only_with_a_reason_of_ours(client: Client) -> None:
    surgeon = order("183541002", SNOMED)
    assert client.reply(request("order-sign", surgeon)) == {"cards": []}
    knee = {**surgeon, "reasonCode": [coded(SNOMED, "239873007")]}
    assert client.reply(request("order-sign", knee)) == {"cards": []}
    spine = {**surgeon, "reasonCode": [coded(SNOMED, "2415007")]}
    assert len(client.reply(request("order-sign", spine))["cards"]) == 1


def test_later_versions_and_unknown_fields_are_tolerated(client: Client) -> None:
    sent = request(
        "order-sign",
        MRI,
        prefetch={"failed": {"resourceType": "OperationOutcome", "issue": []}, "none": None, "empty": {}},
    )
    sent |= {
        "fhirServer": "https://ehr.example/fhir",
        "extension": {"x": 1},
        "somethingNew": [1],
        "fhirAuthorization": {
            "access_token": "t",
            "token_type": "Bearer",
            "expires_in": 300,
            "scope": "patient/*.rs",
            "subject": "s",
            "patient": "1",
        },
    }
    assert steady(client.reply(sent)) == steady(client.reply(request("order-sign", MRI)))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"hook": "patient-view"}, "this service is for the hook `order-sign`"),
        ({"hook": None}, "`hook` is missing from the request, or not text"),
        ({"hookInstance": None}, "`hookInstance` is missing from the request, or not text"),
        ({"context": None}, "`context` is missing or not an object"),
        ({"context": {"userId": "u"}}, "`patientId` is missing from `context`, or not text"),
        ({"context": {"userId": "u", "patientId": "1"}}, "`draftOrders` is missing from `context`, or not a Bundle"),
        (
            {"context": {"userId": "u", "patientId": "1", "draftOrders": {"entry": {}}}},
            "`draftOrders.entry` is not a list",
        ),
        (
            {"context": {"userId": "u", "patientId": "7", "draftOrders": bundle(MRI)}},
            "a draft order is for another patient than `patientId`",
        ),
        ({"prefetch": []}, "`prefetch` is not an object"),
        ({"prefetch": {"x": "y"}}, "a value of `prefetch` is neither a resource nor null"),
        ({"fhirServer": 7}, "`fhirServer` is not text"),
    ],
)
def test_malformed_requests_are_400(client: Client, change: dict[str, Any], says: str) -> None:
    assert client.error(400, {**request("order-sign", MRI), **change}) == says


def test_bodies_that_are_no_json_objects_are_400(client: Client) -> None:
    assert client.error(400, b"{") == "the body is not JSON"
    assert client.error(400, b"") == "the body is not JSON"
    assert client.error(400, b"[" * 100_000) == "the body is not JSON"
    assert client.error(400, b"[]") == "the body is not a JSON object"
    assert client.error(400, b'{"hook": "order-sign"\xff}') == "the body is not JSON"


def test_data_that_cannot_be_used_is_412(client: Client) -> None:
    no_resource = {"resourceType": "Bundle", "entry": [{"fullUrl": "ServiceRequest/1"}]}
    assert "what is ordered is not known" in client.error(412, request("order-sign", draftOrders=no_resource))
    other = {"patient": {"resourceType": "Patient", "id": "2"}}
    client.error(412, request("order-sign", MRI, prefetch=other))


def test_services_and_content_types_that_are_not_ours(client: Client) -> None:
    assert client.http.post("/cds-services/nope", json={}).status_code == 404
    got = client.http.post(
        f"/cds-services/{IDS['patient-view']}", content=b"{}", headers={"content-type": "text/plain"}
    )
    assert got.status_code == 415
    assert client.http.get(f"/cds-services/{IDS['patient-view']}").status_code == 405
    assert client.http.post(f"/cds-services/{IDS['patient-view']}/feedback", json={"feedback": []}).status_code == 404


def test_a_record_that_contradicts_itself_gets_no_answer(client: Client) -> None:
    odd = answers(home_exercise_only=True, formal_physical_therapy=True, level_l5_s1=True, chronic_radiculopathy=True)
    said = client.reply(request("order-sign", MRI, prefetch={"q": odd}))
    (card,) = said["cards"]
    assert card["summary"].startswith("No answer: the record contradicts itself")
    assert ratings(said) == []
    assert "links" not in card


def test_links_are_absolute_and_say_nothing_of_the_patient(client: Client) -> None:
    sent = request(
        "order-sign", {k: v for k, v in MRI.items() if k != "subject"}, patientId="secret-name-77", prefetch={}
    )
    (card,) = client.reply(sent)["cards"]
    link, form = card["links"]
    assert form["label"].startswith("Complete the screens")
    assert link["type"] == "absolute"
    assert link["url"].startswith("http://127.0.0.1:8000/explain/")
    assert "secret" not in link["url"] + card["source"]["url"]
    page = client.http.get(link["url"].replace("http://127.0.0.1:8000", ""), headers={"accept": "text/html"})
    assert page.status_code == 200
    assert "MRI" in page.text
    assert client.http.get("/explain/AAAAAAAAAAAAAAAAAAAAAA", headers={"accept": "text/html"}).status_code == 404


def test_text_from_elsewhere_is_harmless_in_markdown_and_html() -> None:
    assert (
        plain("<img onerror=x> [a](javascript:b) *c* `d` & e")
        == "&lt;img onerror=x&gt; \\[a\\](javascript:b) \\*c\\* \\`d\\` &amp; e"
    )


def test_no_page_of_another_origin_may_call_unless_it_is_named(client: Client, tmp_path: Path) -> None:
    """Neither a call that asks first, nor one that does not have to, nor feedback, nor one that reads."""
    evil = {"Origin": "https://evil.example"}
    path = f"/cds-services/{IDS['patient-view']}"
    asks = {**evil, "Access-Control-Request-Method": "POST", "Access-Control-Request-Private-Network": "true"}
    asked = client.http.options(path, headers=asks)
    assert "access-control-allow-origin" not in asked.headers
    assert "access-control-allow-private-network" not in asked.headers
    assert "access-control-allow-origin" not in client.http.get("/cds-services", headers=evil).headers
    file = tmp_path / "feedback.sqlite"
    kept = {
        "feedback": [
            {
                "card": "00000000-0000-4000-8000-000000000000",
                "outcome": "overridden",
                "outcomeTimestamp": "2025-11-13T10:00:00Z",
            }
        ]
    }
    with TestClient(create_app(Settings(workers=0, feedback=file)), base_url="http://localhost") as http:
        for kind in ("application/json", "text/plain", "application/x-www-form-urlencoded"):
            for where in (path, f"{path}/feedback"):
                got = http.post(where, content=json.dumps(kept), headers={**evil, "Content-Type": kind})
                assert got.status_code == 403
        assert http.post(f"{path}/feedback", json=kept).status_code == 200
    named = Settings(workers=0, origins=("https://ehr.example",), feedback=file)
    with TestClient(create_app(named), base_url="http://localhost") as http:
        assert http.post(f"{path}/feedback", json=kept, headers=evil).status_code == 403
        assert http.post(f"{path}/feedback", json=kept, headers={"Origin": "https://ehr.example"}).status_code == 200


def test_browsers_may_call_services_and_nothing_else() -> None:
    with TestClient(create_app(Settings(workers=0, origins=("*",))), base_url="http://localhost") as http:
        _browsers(http)


def _browsers(http: TestClient) -> None:
    asked = {
        "Origin": "https://sandbox.cds-hooks.org",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,content-type",
        "Access-Control-Request-Private-Network": "true",
    }
    got = http.options(f"/cds-services/{IDS['patient-view']}", headers=asked)
    assert got.status_code == 200
    assert got.headers["access-control-allow-origin"] == "*"
    assert got.headers["access-control-allow-private-network"] == "true"
    assert {"authorization", "content-type"} <= {
        h.strip().lower() for h in got.headers["access-control-allow-headers"].split(",")
    }
    origin = {"Origin": "https://sandbox.cds-hooks.org"}
    assert http.get("/cds-services", headers=origin).headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in http.get("/cds-services", headers=origin).headers
    assert "access-control-allow-origin" not in http.get("/health", headers=origin).headers
    with TestClient(
        create_app(Settings(workers=0, origins=("https://ehr.example",))), base_url="http://localhost"
    ) as other:
        assert "access-control-allow-origin" not in other.get("/cds-services", headers=origin).headers
        assert (
            other.get("/cds-services", headers={"Origin": "https://ehr.example"}).headers["access-control-allow-origin"]
            == "https://ehr.example"
        )


@pytest.mark.parametrize(
    "case", sorted(GOLDEN.glob("*.request.json")), ids=lambda p: p.name.removesuffix(".request.json")
)
def test_golden(case: Path, client: Client, request: pytest.FixtureRequest) -> None:
    sent = json.loads(case.read_text(encoding="utf-8"))
    got = client.http.post(f"/cds-services/{IDS[sent.get('hook', 'patient-view')]}", json=sent)
    said = {"status": got.status_code, "body": steady(got.json())}
    Draft202012Validator(schema("response" if got.status_code == 200 else "outcome")).validate(got.json())
    kept = case.with_name(case.name.replace(".request.", ".response."))
    if request.config.getoption("--update", default=False):
        kept.write_text(json.dumps(said, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    assert said == json.loads(kept.read_text(encoding="utf-8"))


def test_there_is_a_golden_set() -> None:
    assert len(list(GOLDEN.glob("*.request.json"))) >= 8


def test_a_guideline_without_an_offer_offers_nothing(tmp_path: Path) -> None:
    compiled = compile_guideline(load_guideline())
    config = load_hooks_config(replace(compiled, guideline=replace(compiled.guideline, folder=tmp_path)))
    assert config.services == ()
    assert config.meaning((LOINC, "24968-0"), with_reason=True) is None


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('hook = "order-sign"', 'hook = "order-signed"', "there is no hook `order-signed`"),
        ('intervention = "mri_lumbar"', 'intervention = "mri_lumber"', "there is no intervention `mri_lumber`"),
        ('concepts = ["lumbar MRI"]', 'concepts = ["lumbar MRT"]', "there is no concept `lumbar MRT` in codes.toml"),
        ('"order-sign"', "order-sign", "is not valid TOML"),
        ("title = ", "titel = ", "a part is missing"),
    ],
)
def test_a_wrong_offer_is_an_error_at_the_start(tmp_path: Path, old: str, new: str, says: str) -> None:
    compiled = compile_guideline(load_guideline())
    shutil.copy(compiled.guideline.folder / "codes.toml", tmp_path)
    text = (compiled.guideline.folder / "hooks.toml").read_text()
    assert old in text
    (tmp_path / "hooks.toml").write_text(text.replace(old, new, 1))
    with pytest.raises(InputError, match=says):
        load_hooks_config(replace(compiled, guideline=replace(compiled.guideline, folder=tmp_path)))


def test_check_reports_what_is_wrong_in_the_offer(tmp_path: Path) -> None:
    guideline = load_guideline()
    assert [a for a in review(guideline, lints=False) if a.diagnostic.code.startswith("GL46")] == []
    for name in ("codes.toml", "icd-10-cm.json"):
        shutil.copy(guideline.folder / name, tmp_path)
    (tmp_path / "hooks.toml").write_text(
        (guideline.folder / "hooks.toml").read_text().replace("mri_lumbar", "mri_lumber")
    )
    found = [a.diagnostic for a in review(replace(guideline, folder=tmp_path), lints=False)]
    assert [(d.code, d.hint) for d in found if d.code.startswith("GL46")] == [("GL463", "did you mean `mri_lumbar`?")]


# ---------------------------------------------------------------- what was not read


OUTCOME = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "timeout"}]}
NEXT = bundle() | {"link": [{"relation": "next", "url": "https://ehr.example.org/page2"}]}


@pytest.mark.parametrize("sent", [None, {}, OUTCOME])
def test_conditions_that_were_not_sent_are_no_silence(client: Client, sent: Any) -> None:
    """Whether the guideline is about the patient is not known, and that is said."""
    said = client.reply(request("patient-view", prefetch={"conditions": sent}))
    (card,) = said["cards"]
    assert card["summary"].startswith("Not known whether")
    assert "prefetch \\`conditions\\`" in card["detail"]
    assert "links" not in card


@pytest.mark.parametrize(
    ("key", "value"), [("observations", OUTCOME), ("observations", None), ("conditions", NEXT), ("observations", NEXT)]
)
def test_a_card_says_what_was_not_sent_and_no_screen_closes_over_it(client: Client, key: str, value: Any) -> None:
    asked = {"q": bundle(RADICULOPATHY, KNOWN)}
    before = client.reply(request("order-sign", MRI, prefetch=asked))
    (whole,) = before["cards"]
    (card,) = client.reply(request("order-sign", MRI, prefetch=asked | {key: value}))["cards"]
    if value is NEXT and key == "observations":
        assert "next page" in card["detail"]
    assert "**Not read:**" in card["detail"]
    assert "undetermined" in card["summary"]
    assert "undetermined" not in whole["summary"]
    page = client.http.get(card["links"][0]["url"].replace("http://127.0.0.1:8000", ""))
    assert page.status_code == 200


def test_an_unmapped_diagnosis_is_named_on_the_card(client: Client) -> None:
    made = condition("http://hl7.org/fhir/sid/icd-10-cm", "M46.42") | {"id": "disc"}
    asked = {"q": bundle(RADICULOPATHY, KNOWN, made)}
    (card,) = client.reply(request("order-sign", MRI, prefetch=asked))["cards"]
    assert "Condition/disc" in card["detail"]
    assert "belongs to an infection of spine" in card["detail"]


def test_nobody_who_has_died_is_advised(client: Client) -> None:
    asked = {"patient": {"resourceType": "Patient", "id": "1", "deceasedBoolean": True}, "q": bundle(RADICULOPATHY)}
    for sent in (request("order-sign", MRI, prefetch=asked), request("patient-view", prefetch=asked)):
        (card,) = client.reply(sent)["cards"]
        assert card["summary"] == "No advice: the record says that the patient died"
        assert "suggestions" not in card


def test_one_advice_has_one_card_id_whatever_the_hook_and_the_patient(client: Client) -> None:
    retention = condition(SNOMED, "267064002", "c2")
    asked = {"q": bundle(RADICULOPATHY, retention)}
    (_, signed) = client.reply(request("order-sign", MRI, prefetch=asked))["cards"]
    viewed = client.reply(request("patient-view", prefetch=asked))["cards"]
    assert signed["uuid"] in {card["uuid"] for card in viewed}
    twice = client.reply(request("order-sign", MRI, MRI | {"id": "o2"}, prefetch=asked))["cards"]
    assert len({card["uuid"] for card in twice}) == 3  # the emergency, and each order


def test_every_suggestion_says_whether_it_is_recommended_and_has_a_code_to_order(client: Client) -> None:
    (card,) = client.reply(request("order-sign", MRI, prefetch={"q": bundle(RADICULOPATHY, KNOWN)}))["cards"]
    own = "urn:guidelog:"
    for suggestion in card["suggestions"]:
        assert isinstance(suggestion["isRecommended"], bool)
        for action in suggestion["actions"]:
            if action["type"] == "create":
                made = action["resource"]
                concept = made.get("code") or made["medicationCodeableConcept"]
                assert any(not c["system"].startswith(own) for c in concept["coding"])


def test_summaries_end_with_a_whole_sentence(client: Client) -> None:
    for case in sorted(GOLDEN.glob("*.request.json")):
        sent = json.loads(case.read_text(encoding="utf-8"))
        got = client.http.post(f"/cds-services/{IDS[sent.get('hook', 'patient-view')]}", json=sent).json()
        for card in got.get("cards", ()):
            assert not card["summary"].endswith("…"), card["summary"]


def test_an_emergency_comes_first_whatever_was_ordered(client: Client) -> None:
    asked = {"q": bundle(RADICULOPATHY, condition(SNOMED, "267064002", "c2"))}
    injection = order("nerve_root_injection", OWN, "o9")
    cards = client.reply(request("order-sign", injection, prefetch=asked))["cards"]
    assert cards[0]["indicator"] == "critical"
    assert "MRI" in cards[0]["summary"] or "surgery" in cards[0]["summary"]
    assert "njection" in cards[-1]["summary"]
