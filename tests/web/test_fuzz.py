"""schemathesis against our own OpenAPI document: whatever is sent, an answer that the document describes, and never a 500."""

from __future__ import annotations

import warnings

import pytest

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import schemathesis
    from schemathesis.checks import not_a_server_error
    from schemathesis.specs.openapi.checks import (
        content_type_conformance,
        response_schema_conformance,
        status_code_conformance,
    )

from hypothesis import HealthCheck, Phase, settings

from guidelog.web.app import create_app
from guidelog.web.settings import Settings

APP = create_app(Settings(workers=0, rate=100_000, burst=100_000))
SCHEMA = schemathesis.openapi.from_dict(APP.openapi()).include(path_regex="^/(cds-services|health)")
SCHEMA.app = APP


@pytest.mark.slow
@SCHEMA.parametrize()
@settings(max_examples=60, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
def test_whatever_is_sent_gets_an_answer_that_is_described(case: schemathesis.Case) -> None:
    case.headers["Host"] = "localhost"
    got = case.call()
    checks = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
    case.validate_response(got, checks=checks)
