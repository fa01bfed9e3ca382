"""JWTs of CDS clients: accepted when everything is right, refused when any one thing is wrong."""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm
from starlette.testclient import TestClient

from guidelog.diagnostics import InputError
from guidelog.web.app import create_app
from guidelog.web.hooks import trust as trust_module
from guidelog.web.hooks.trust import Client, Trust, Untrusted, load_trust
from guidelog.web.settings import Settings
from hook_requests import IDS, request

URL = f"http://127.0.0.1:8000/cds-services/{IDS['patient-view']}"
EC = ec.generate_private_key(ec.SECP384R1())
OTHER = ec.generate_private_key(ec.SECP384R1())
RSA = rsa.generate_private_key(65537, 2048)
NOW = 1_763_028_000


def claims(**change: Any) -> dict[str, Any]:
    found = {"iss": "https://ehr.example", "aud": URL, "iat": NOW, "exp": NOW + 300, "jti": str(uuid.uuid4()), **change}
    return {k: v for k, v in found.items() if v is not None}


def token(key: Any = EC, algorithm: str = "ES384", kid: str | None = "ec", **change: Any) -> str:
    return "Bearer " + jwt.encode(claims(**change), key, algorithm, {"kid": kid} if kid else {})


@pytest.fixture
def trust() -> Trust:
    keys = {"ec": EC.public_key(), "rsa": RSA.public_key()}
    return Trust([Client("https://ehr.example", keys)], clock=lambda: NOW)


def test_a_right_token_is_accepted(trust: Trust) -> None:
    assert trust.verify(token(), [URL]) == "https://ehr.example"
    assert trust.verify(token(RSA, "RS384", "rsa"), [URL]) == "https://ehr.example"
    assert trust.verify(token(aud=["https://x.example", URL]), [URL]) == "https://ehr.example"
    assert trust.verify(token(iat=NOW - 320, exp=NOW - 20), [URL]), "within the leeway"


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (lambda: None, "there is no bearer token"),
        (lambda: "Basic YTpi", "there is no bearer token"),
        (lambda: "Bearer a.b.c", "the token is not a JWT"),
        (lambda: "Bearer " + "a" * 20_001, "there is no bearer token"),
        (lambda: "Bearer " + "a" * 20_000, "the token is not a JWT"),
        (lambda: token(exp=10**12), "a time in the token is not a number"),
        (lambda: token(iat=-(10**12)), "a time in the token is not a number"),
        (lambda: token(iss="https://evil.example"), "the issuer is not on the list"),
        (lambda: token(iss=None), "the issuer is not on the list"),
        (lambda: token(kid="nope"), "the key is not known"),
        (lambda: token(kid=None), "the key is not known"),
        (lambda: token(OTHER), "the token is not valid"),
        (lambda: token(RSA, "RS384", "ec"), "the token is not valid"),
        (lambda: token(RSA, "RS256", "rsa"), "the algorithm is not allowed"),
        (lambda: token("secret" * 10, "HS384"), "the algorithm is not allowed"),
        (lambda: token(None, "none"), "the algorithm is not allowed"),
        (lambda: token(aud="https://other.example"), "the token is for another audience"),
        (lambda: token(aud=None), "the token has no `aud`"),
        (lambda: token(exp=None), "the token has no `exp`"),
        (lambda: token(iat=None), "the token has no `iat`"),
        (lambda: token(jti=None), "the token has no `jti`"),
        (lambda: token(iat=NOW - 400, exp=NOW - 100), "the token has expired"),
        (lambda: token(iat=NOW + 60), "the token is from the future"),
        (lambda: token(nbf=NOW + 60), "the token is from the future"),
        (lambda: token(exp=NOW + 3600), "the token lasts longer than 300 seconds"),
        (lambda: token(exp="soon"), "a time in the token is not a number"),
        (lambda: token(jti=""), "`jti` is not text"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_wrong_token_is_refused(trust: Trust, wrong: Any, says: str) -> None:
    with pytest.raises(Untrusted) as caught:
        trust.verify(wrong(), [URL])
    assert str(caught.value) == says


def test_a_token_is_used_once(trust: Trust) -> None:
    one = token()
    trust.verify(one, [URL])
    with pytest.raises(Untrusted, match="the token was used already"):
        trust.verify(one, [URL])
    bad = token(OTHER, jti="same")
    with pytest.raises(Untrusted):
        trust.verify(bad, [URL])
    assert trust.verify(token(jti="same"), [URL]), "a refused token uses nothing up"


def test_a_token_stays_used_until_nobody_would_take_it(trust: Trust) -> None:
    """The window of replay closes at `exp` plus the leeway, when the token has expired for good."""
    now = [float(NOW)]
    trust = Trust([Client("https://ehr.example", {"ec": EC.public_key()})], clock=lambda: now[0])
    one = token()
    trust.verify(one, [URL])
    for later, says in ((300, "used already"), (301, "used already"), (329, "used already"), (330, "has expired")):
        now[0] = NOW + later
        with pytest.raises(Untrusted, match=says):
            trust.verify(one, [URL])


def test_forgetting_used_tokens_forgets_none_that_still_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where room is made for more, those within the leeway stay."""
    monkeypatch.setattr(trust_module, "MOST_TOKENS", 3)
    now = [float(NOW)]
    trust = Trust([Client("https://ehr.example", {"ec": EC.public_key()})], clock=lambda: now[0])
    early, late = token(exp=NOW + 100), token()
    trust.verify(early, [URL])
    trust.verify(late, [URL])
    now[0] = NOW + 310
    trust.verify(token(iat=NOW + 300, exp=NOW + 400), [URL])
    with pytest.raises(Untrusted, match="used already"):
        trust.verify(late, [URL])  # the early one made room
    trust.verify(token(iat=NOW + 300, exp=NOW + 400), [URL])
    with pytest.raises(Untrusted, match="too many tokens"):
        trust.verify(token(iat=NOW + 300, exp=NOW + 400), [URL])


def test_a_list_of_clients_switches_it_on(tmp_path: Path) -> None:
    keys = [
        {**json.loads(ECAlgorithm.to_jwk(EC.public_key())), "kid": "ec", "alg": "ES384"},
        {**json.loads(RSAAlgorithm.to_jwk(RSA.public_key())), "kid": "rsa", "alg": "RS384"},
    ]
    (tmp_path / "keys.json").write_text(json.dumps({"keys": keys}))
    (tmp_path / "clients.toml").write_text('[[client]]\nissuer = "https://ehr.example"\njwks = "keys.json"\n')
    now = int(time.time())
    with TestClient(
        create_app(Settings(workers=0, trust=tmp_path / "clients.toml")), base_url="http://localhost"
    ) as http:
        path, sent = URL.removeprefix("http://127.0.0.1:8000"), request("patient-view")
        refused = http.post(path, json=sent)
        assert refused.status_code == 401
        assert refused.headers["www-authenticate"] == "Bearer"
        assert refused.json()["resourceType"] == "OperationOutcome"
        one = {"Authorization": token(iat=now, exp=now + 300)}
        assert http.post(path, json=sent, headers=one).status_code == 200
        assert http.post(path, json=sent, headers=one).status_code == 401, "replayed"
        assert http.post(f"{path}/feedback", json={"feedback": []}).status_code == 401
        assert http.get("/cds-services").status_code == 200, "discovery tells nothing of patients"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "a part is missing"),
        ("client = []", "trusts nobody"),
        ("x = ", "is not valid TOML"),
        ('[[client]]\nissuer = "x"\njwks = "none.json"', "cannot read"),
        ('[[client]]\nissuer = "x"\njwks = "bad.json"', "a part is missing or wrong"),
        ('algorithms = ["none"]', "there is no algorithm `none`"),
        ('algorithms = ["HS256"]', "there is no algorithm `HS256`"),
    ],
)
def test_a_wrong_list_is_an_error_at_the_start(tmp_path: Path, content: str, says: str) -> None:
    (tmp_path / "bad.json").write_text("{}")
    (tmp_path / "clients.toml").write_text(content)
    with pytest.raises(InputError, match=says):
        load_trust(tmp_path / "clients.toml")


# ---------------------------------------------------------------- keys that an issuer publishes


class Published(BaseHTTPRequestHandler):
    """A JWK Set at an address, which the test changes."""

    body = b"{}"
    status = 200
    asked = 0

    def do_GET(self) -> None:
        type(self).asked += 1
        self.send_response(self.status)
        if self.status == 302:
            self.send_header("Location", "http://127.0.0.1:1/elsewhere")
        self.end_headers()
        self.wfile.write(self.body)

    def log_message(self, *_: Any) -> None:
        """Nothing."""


@pytest.fixture
def published() -> Iterator[tuple[type[Published], str]]:
    class Own(Published):
        pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Own)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield Own, f"http://127.0.0.1:{server.server_port}/jwks.json"
    server.shutdown()
    server.server_close()


def key_set(**keys: Any) -> bytes:
    listed = [
        json.loads(ECAlgorithm.to_jwk(key.public_key())) | {"kid": kid, "alg": "ES384"} for kid, key in keys.items()
    ]
    return json.dumps({"keys": listed}).encode()


def test_keys_by_address_are_fetched_and_rotated(published: tuple[type[Published], str], tmp_path: Path) -> None:
    own, url = published
    own.body = key_set(ec=EC)
    path = tmp_path / "clients.toml"
    path.write_text(f'[[client]]\nissuer = "https://ehr.example"\njwks_url = "{url}"\n')
    trust = load_trust(path)
    now = [float(NOW)]
    trust._clock = lambda: now[0]
    assert trust.verify(token(), [URL])
    assert trust.verify(token(), [URL])
    assert own.asked == 1, "known keys are not fetched again"
    own.body = key_set(new=OTHER)
    with pytest.raises(Untrusted, match="the key is not known"):
        trust.verify(token(OTHER, kid="new"), [URL])
    now[0] += 31
    assert trust.verify(token(OTHER, kid="new"), [URL]), "a new key is looked for, not too often"
    with pytest.raises(Untrusted, match="the key is not known"):
        trust.verify(token(), [URL])  # the old one was taken back


@pytest.mark.parametrize(("status", "body"), [(500, b""), (302, b""), (200, b"no json"), (200, b" " * 300_000)])
def test_keys_that_cannot_be_had_are_not_trusted(
    published: tuple[type[Published], str], status: int, body: bytes
) -> None:
    own, url = published
    own.status, own.body = status, body
    trust = Trust([Client("https://ehr.example", {}, url)], clock=lambda: NOW)
    with pytest.raises(Untrusted, match="the key is not known"):
        trust.verify(token(), [URL])


def test_another_address_in_the_token_is_never_followed(published: tuple[type[Published], str]) -> None:
    own, url = published
    own.body = key_set(ec=EC)
    trust = Trust([Client("https://ehr.example", {}, url)], clock=lambda: NOW)
    for jku, right in ((url, True), ("http://127.0.0.1:1/evil", False)):
        sent = "Bearer " + jwt.encode(claims(), EC, "ES384", {"kid": "ec", "jku": jku})
        if right:
            assert trust.verify(sent, [URL])
        else:
            with pytest.raises(Untrusted, match="`jku` is not the address"):
                trust.verify(sent, [URL])


@pytest.mark.parametrize(
    "url", ["http://ehr.example/jwks.json", "file:///etc/passwd", "https://user:x@ehr.example/k", "https://"]
)
def test_an_address_that_is_not_safe_is_refused_at_the_start(tmp_path: Path, url: str) -> None:
    path = tmp_path / "clients.toml"
    path.write_text(f'[[client]]\nissuer = "https://ehr.example"\njwks_url = "{url}"\n')
    with pytest.raises(InputError, match="jwks_url"):
        load_trust(path)


def test_a_local_service_answers_to_all_names_of_this_machine() -> None:
    settings = Settings(port=8123)
    assert "http://localhost:8123" in settings.addresses
    assert Settings(port=8123, public_url="https://cds.example.org").addresses == ["https://cds.example.org"]
    assert Settings(port=8123, host="192.0.2.1").addresses == ["http://192.0.2.1:8123"]
