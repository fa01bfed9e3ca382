"""Which CDS clients are trusted: JWTs checked against an allow-list of issuers and their keys on this machine.

Signature (ES384 or RS384 unless configured otherwise), issuer, audience, expiry, age, and that a token is used once.
Keys are read from files at the start, or from the one address that the allow-list gives for an issuer, so that keys can
be rotated; a `jku` in a token is never followed, and has to be that address.
"""

from __future__ import annotations

import threading
import time
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from guidelog.diagnostics import InputError

from .outbound import get, is_safe

ALGORITHMS = ("ES384", "RS384")
ALLOWED = ("ES256", "ES384", "ES512", "RS256", "RS384", "RS512", "PS384")
MOST_TOKENS = 100_000
KEYS_LAST = 3600.0
"""For how many seconds fetched keys are used before they are fetched again."""

KEYS_PAUSE = 30.0
"""How many seconds pass at least before an unknown key id is looked for again."""

KEYS_SECONDS = 5.0
KEYS_LARGEST = 200_000


class Untrusted(Exception):
    """The token is not accepted (401); says why, not what was in it."""


@dataclass(frozen=True, slots=True)
class Client:
    """An issuer and its public keys, by key id; `url` is where it publishes them, empty for keys of a file."""

    issuer: str
    keys: dict[str, Any]
    url: str = ""


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
        fetch: Callable[[str], dict[str, Any]] | None = None,
    ) -> None:
        self._clients = {client.issuer: client for client in clients}
        self._algorithms, self._audiences = tuple(algorithms), tuple(audiences)
        self._max_age, self._leeway, self._clock = max_age, leeway, clock
        self._fetch = fetch or fetch_keys
        self._asked: dict[str, float] = {}
        self._had: dict[str, float] = {}
        self._used: dict[tuple[str, str], float] = {}
        self._lock = threading.Lock()

    def verify(self, header: str | None, addresses: Sequence[str]) -> str:
        """The issuer of the token in an Authorization header, for a call of one of these addresses.

        Raises Untrusted.
        """
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
        if client.url and unverified.get("jku") not in (None, client.url):
            raise Untrusted("`jku` is not the address that is on the list for this issuer")
        key = self._key(client, str(unverified.get("kid")))
        if key is None:
            raise Untrusted("the key is not known")
        claims = self._claims(token, key, client.issuer, (*addresses, *self._audiences))
        self._once(client.issuer, claims)
        return client.issuer

    def _key(self, client: Client, kid: str) -> Any:
        """The key of that id; where keys are published at an address, a new one is looked for there, not too often."""
        found = client.keys.get(kid)
        now = self._clock()
        if not client.url:
            return found
        with self._lock:
            asked = self._asked.get(client.issuer, -1e12)
            stale = now - asked > KEYS_LAST or (found is None and now - asked > KEYS_PAUSE)
            if stale:
                self._asked[client.issuer] = now
        if stale:
            self._renew(client, now)
        return client.keys.get(kid)

    def _renew(self, client: Client, now: float) -> None:
        """Fetch the keys of an issuer. While it cannot be reached the old ones count, but not for ever."""
        try:
            fresh = self._fetch(client.url)
        except Unreachable:
            if now - self._had.get(client.issuer, now) > KEYS_LAST * 2:
                client.keys.clear()  # one that was taken back must not be trusted any longer
            return
        self._had[client.issuer] = now
        client.keys.clear()
        client.keys.update(fresh)

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


class Unreachable(Exception):
    """The keys of an issuer could not be had."""


def keys_of(text: str) -> dict[str, Any]:
    """The public keys of a JWK Set by their ids. Raises PyJWTError, KeyError, ValueError."""
    import jwt

    return {str(k.key_id): k.key for k in jwt.PyJWKSet.from_json(text).keys}


def fetch_keys(url: str) -> dict[str, Any]:
    """The keys that an issuer publishes at an address of the allow-list: bounded, in time too, no redirects.

    Raises Unreachable.
    """
    import jwt

    try:
        return keys_of(get(url, {}, KEYS_SECONDS, KEYS_LARGEST).decode("utf-8"))
    except (OSError, ValueError, KeyError, jwt.PyJWTError) as error:
        raise Unreachable(str(error)) from None


def _allowed(url: str, path: Path) -> str:
    if not is_safe(url):
        hint = "keys are read from https addresses, or from this machine"
        raise InputError.of("GL472", f"`{path}`: `jwks_url` is `{url}`", hint=hint)
    return url


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
            if "jwks_url" in entry:
                clients.append(Client(str(entry["issuer"]), {}, _allowed(str(entry["jwks_url"]), path)))
                continue
            keys = keys_of((path.parent / str(entry["jwks"])).read_text(encoding="utf-8"))
            clients.append(Client(str(entry["issuer"]), keys))
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
