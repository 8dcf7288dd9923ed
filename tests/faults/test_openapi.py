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

from tests.faults.conftest import ROUNDS
from tests.faults.openapi_hooks import CREDENTIALS, LOG
from tests.model_server import ModelServer
from tests.served import FOOTNOTE, Served

SCHEMATHESIS = Path(sys.executable).parent / "schemathesis"
EXAMPLES = 10 * ROUNDS
CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance,"
    "response_headers_conformance,use_after_free"
)


@pytest.fixture(scope="module")
def service(data_dir: Path, model: ModelServer) -> Iterator[Served]:
    tier = {"FOOTNOTE_TIERS__FAST__BASE_URL": model.base_url, "FOOTNOTE_TIERS__FAST__MODEL": "test"}
    with Served(data_dir, "--sample", **tier) as served:
        yield served


def admins_key(service: Served) -> str:
    """An API key of the service, made by the command."""
    made = subprocess.run(
        [str(FOOTNOTE), "key", "create", "schemathesis", "--role", "admin"],
        env=os.environ | {"FOOTNOTE_DATA_DIR": str(service.data_dir)},
        capture_output=True,
        text=True,
        check=True,
    )
    return made.stdout.strip()


@pytest.mark.parametrize("who", ["anonymous", "signed in"])
def test_every_answer_is_one_that_the_openapi_document_names(service: Served, tmp_path: Path, who: str) -> None:
    log = tmp_path / "answers"
    environment = os.environ | {
        "SCHEMATHESIS_HOOKS": "tests.faults.openapi_hooks",
        "PYTHONPATH": str(Path(__file__).parent.parent.parent),
        LOG: str(log),
    }
    if who == "signed in":
        environment[CREDENTIALS] = f"Bearer {admins_key(service)}"
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
    assert successes["POST /api/v1/chat"] > 5
    assert len([operation for operation in successes if "{conversation_id}" in operation]) > 3
