"""Which CDS clients are trusted: JWTs checked against an allow-list of issuers and their keys on this machine.

Signature (ES384 or RS384 unless configured otherwise), issuer, audience, expiry, age, and that a token is used once.
Keys are read from files at the start; `jku` in a token is never followed, because nothing here calls out.
"""

from __future__ import annotations

import threading
import time
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from guidelog.diagnostics import InputError

ALGORITHMS = ("ES384", "RS384")
ALLOWED = ("ES256", "ES384", "ES512", "RS256", "RS384", "RS512", "PS384")
MOST_TOKENS = 100_000


class Untrusted(Exception):
    """The token is not accepted (401); says why, not what was in it."""


@dataclass(frozen=True, slots=True)
class Client:
    """An issuer and its public keys, by key id."""

    issuer: str
    keys: Mapping[str, Any]


class Trust:
    """The allow-list, and the tokens that were used already."""

    def __init__(
        self,
        clients: Iterable[Client],
        algorithms: Iterable[str] = ALGORITHMS,
        audiences: Iterable[str] = (),
        max_age: int = 300,
        leeway: int = 30,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._clients = {client.issuer: client for client in clients}
        self._algorithms, self._audiences = tuple(algorithms), tuple(audiences)
        self._max_age, self._leeway, self._clock = max_age, leeway, clock
        self._used: dict[tuple[str, str], float] = {}
        self._lock = threading.Lock()

    def verify(self, header: str | None, address: str) -> str:
        """The issuer of the token in an Authorization header, for a call of this address. Raises Untrusted."""
        import jwt

        scheme, _, token = (header or "").partition(" ")
        if scheme.lower() != "bearer" or not token or len(token) > 20_000:
            raise Untrusted("there is no bearer token")
        try:
            unverified = jwt.get_unverified_header(token)
            claimed = jwt.decode(token, options={"verify_signature": False}).get("iss")
        except jwt.PyJWTError:
            raise Untrusted("the token is not a JWT") from None
        client = self._clients.get(claimed) if isinstance(claimed, str) else None
        if client is None:
            raise Untrusted("the issuer is not on the list")
        key = client.keys.get(str(unverified.get("kid")))
        if key is None:
            raise Untrusted("the key is not known")
        claims = self._claims(token, key, client.issuer, (address, *self._audiences))
        self._once(client.issuer, claims)
        return client.issuer

    def _claims(self, token: str, key: Any, issuer: str, audiences: tuple[str, ...]) -> Mapping[str, Any]:
        import jwt

        required = ["iss", "aud", "exp", "iat", "jti"]
        options: Any = {"require": required, "verify_exp": False, "verify_iat": False, "verify_nbf": False}
        try:
            claims: Mapping[str, Any] = jwt.decode(
                token, key, algorithms=list(self._algorithms), audience=list(audiences), issuer=issuer, options=options
            )
        except jwt.InvalidAudienceError:
            raise Untrusted("the token is for another audience") from None
        except jwt.InvalidAlgorithmError:
            raise Untrusted("the algorithm is not allowed") from None
        except jwt.MissingRequiredClaimError as error:
            raise Untrusted(f"the token has no `{error.claim}`") from None
        except (jwt.PyJWTError, TypeError, ValueError):
            raise Untrusted("the token is not valid") from None
        times = [claims[name] for name in ("exp", "iat")] + ([claims["nbf"]] if "nbf" in claims else [])
        if not all(isinstance(t, int | float) and not isinstance(t, bool) and abs(t) < 1e12 for t in times):
            raise Untrusted("a time in the token is not a number")
        now, expiry, issued = self._clock(), claims["exp"], claims["iat"]
        if expiry + self._leeway <= now:
            raise Untrusted("the token has expired")
        if issued - self._leeway > now or (len(times) > 2 and times[2] - self._leeway > now):
            raise Untrusted("the token is from the future")
        if expiry - issued > self._max_age:
            raise Untrusted(f"the token lasts longer than {self._max_age} seconds")
        return claims

    def _once(self, issuer: str, claims: Mapping[str, Any]) -> None:
        name = claims["jti"]
        if not isinstance(name, str) or not 0 < len(name) <= 256:
            raise Untrusted("`jti` is not text")
        now = self._clock()
        with self._lock:
            if len(self._used) >= MOST_TOKENS:
                self._used = {key: until for key, until in self._used.items() if until > now}
            if len(self._used) >= MOST_TOKENS:
                raise Untrusted("too many tokens are in use")
            if self._used.get((issuer, name), 0) > now:
                raise Untrusted("the token was used already")
            self._used[issuer, name] = float(claims["exp"]) + self._leeway


def load_trust(path: Path) -> Trust:
    """The allow-list in a TOML file; key files are relative to it. Raises InputError (GL47x)."""
    import jwt

    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
        algorithms = tuple(map(str, content.get("algorithms", ALGORITHMS)))
        unknown = [a for a in algorithms if a not in ALLOWED]
        if unknown or not algorithms:
            hint = f"there are: {', '.join(ALLOWED)}"
            raise InputError.of("GL472", f"`{path}`: there is no algorithm `{', '.join(unknown)}`", hint=hint)
        clients = []
        for entry in content["client"]:
            keys = jwt.PyJWKSet.from_json((path.parent / str(entry["jwks"])).read_text(encoding="utf-8"))
            clients.append(Client(str(entry["issuer"]), {str(k.key_id): k.key for k in keys.keys}))
        if not clients:
            raise InputError.of("GL472", f"`{path}` trusts nobody: it has no [[client]]")
        audiences = tuple(map(str, content.get("audiences", ())))
        return Trust(clients, algorithms, audiences, int(content.get("max_age", 300)), int(content.get("leeway", 30)))
    except OSError as error:
        raise InputError.of("GL471", f"cannot read `{error.filename}`: {(error.strerror or 'error').lower()}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError.of("GL471", f"`{path}` is not valid TOML: {str(error).lower()}") from None
    except (KeyError, TypeError, ValueError, jwt.PyJWTError) as error:
        raise InputError.of("GL472", f"`{path}`: a part is missing or wrong: {str(error).lower()}") from None
