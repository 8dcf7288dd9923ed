"""The service keeps to its own OpenAPI document: no request that can be made of it is a fault of ours, or is answered
with a status, a type or a body that the document does not name."""

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from backend.access.keys import create_key
from backend.database import open_database
from backend.settings import Settings
from tests.faults.conftest import ROUNDS
from tests.faults.openapi_hooks import CREDENTIALS, LOG
from tests.model_server import ModelServer
from tests.served import Served

SCHEMATHESIS = Path(sys.executable).parent / "schemathesis"
EXAMPLES = 10 * ROUNDS
CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance,"
    "response_headers_conformance,use_after_free"
)


@pytest.fixture(scope="module")
def service(library: Settings, model: ModelServer) -> Iterator[Served]:
    environment = {
        "FOOTNOTE_DATABASE__URL": library.database.url,
        "FOOTNOTE_REDIS__URL": library.redis.url,
        "FOOTNOTE_SECRET": "5d0c7be18f3346a29be0d7c1a4f2e693",
        "FOOTNOTE_TIERS__FAST__BASE_URL": model.base_url,
        "FOOTNOTE_TIERS__FAST__MODEL": "test",
    }
    with Served(library.data_dir, **environment) as served:
        yield served


@pytest.fixture(scope="module")
async def admins_key(library: Settings) -> str:
    """An API key that may do everything."""
    engine = open_database(library.database.url, pool_size=1)
    _, key = await create_key(engine, "schemathesis", "admin", [], None, None)
    await engine.dispose()
    return key


@pytest.mark.parametrize("who", ["anonymous", "signed in"])
def test_every_answer_is_one_that_the_openapi_document_names(
    service: Served, admins_key: str, tmp_path: Path, who: str
) -> None:
    log = tmp_path / "answers"
    environment = os.environ | {
        "SCHEMATHESIS_HOOKS": "tests.faults.openapi_hooks",
        "PYTHONPATH": str(Path(__file__).parent.parent.parent),
        LOG: str(log),
    }
    if who == "signed in":
        environment[CREDENTIALS] = f"Bearer {admins_key}"
    arguments = ["--checks", CHECKS, "--max-examples", str(EXAMPLES), "--seed", "1", "--generation-database", "none"]
    done = subprocess.run(
        [str(SCHEMATHESIS), "run", f"{service.address}/api/v1/openapi.json", "--no-color", *arguments],
        env=environment, cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    answers = Counter(log.read_text().splitlines())
    operations = {
        f"{method.upper()} {path}"
        for path, methods in httpx.get(f"{service.address}/api/v1/openapi.json").json()["paths"].items()
        for method in methods
    }
    met = {answer.rsplit(" ", 1)[0] for answer in answers}
    assert met == operations
    # It has got behind the refusals: it has asked, and then read and changed what came of that.
    successes = Counter(
        answer.rsplit(" ", 1)[0] for answer in answers.elements() if answer.endswith(("200", "202", "204"))
    )
    print(json.dumps({"who": who, "requests": answers.total(), "answered": successes}))
    assert successes["POST /api/v1/chat"] > 2
    assert len([operation for operation in successes if "{conversation_id}" in operation]) > 3
