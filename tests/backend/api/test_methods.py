"""The methods that addresses take: `HEAD` wherever `GET` is, and a refusal that says what would be taken."""

from backend.app import create_app
from tests.service import Visitor

ABOUT_CONNECTIONS = {"date", "connection", "transfer-encoding"}


async def test_head_is_answered_as_get_is_without_the_body(visitor: Visitor) -> None:
    asked = await visitor.ask()
    own = f"/api/v1/conversations/{asked.conversation_id}"
    for path, status in (
        ("/health/live", 200), ("/health/ready", 200), ("/api/v1/site", 200), ("/api/v1/creators", 200),
        ("/api/v1/conversations", 200), (own, 200), (f"{own}/messages", 200), (f"{own}/export", 200),
        ("/api/v1/openapi.json", 200), ("/api/v1/conversations?limit=0", 422), ("/api/v1/conversations/%00", 422),
        ("/api/v1/creators/dex-morrowby/unanswered", 403), ("/api/v1/nothing", 404), ("/", 200),
    ):  # fmt: skip
        whole = await visitor.get(path)
        head = await visitor.http.head(path, headers=visitor.headers)
        assert (whole.status_code, head.status_code) == (status, status), path
        assert head.content == b""
        told, expected = ({name: value for name, value in each.headers.items() if name not in ABOUT_CONNECTIONS}
                          for each in (head, whole))  # fmt: skip
        assert told == expected, path


async def test_head_is_refused_where_there_is_no_get_and_for_a_stream(visitor: Visitor) -> None:
    asked = await visitor.ask()
    for path in ("/api/v1/chat", f"/api/v1/chat/runs/{asked.run_id}/events", f"/api/v1/chat/runs/{asked.run_id}/stop"):
        head = await visitor.http.head(path, headers=visitor.headers)
        assert (head.status_code, head.content) == (405, b""), path


async def test_what_is_not_there_is_missing_to_every_method(visitor: Visitor) -> None:
    for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"):
        for path in ("/api/v1/nope", "/api/v1/chat/", "/api/v1/conversations/", "/health/nope", "/nope", "/assets"):
            answer = await visitor.http.request(method, path)
            assert answer.status_code == 404, (method, path)
            assert "allow" not in answer.headers
            assert method == "HEAD" or answer.json()["code"] == "not_found"


async def test_a_method_that_an_address_does_not_take_is_told_those_that_it_takes(visitor: Visitor) -> None:
    asked = await visitor.ask()
    own = f"/api/v1/conversations/{asked.conversation_id}"
    for method, path, allowed in (
        ("POST", own, "DELETE, GET, HEAD, PATCH"),
        ("GET", f"{own}/messages/{asked.last.json['message_id']}/feedback", "DELETE, PUT"),
        ("PUT", "/api/v1/conversations", "DELETE, GET, HEAD"),
        ("HEAD", f"/api/v1/chat/runs/{asked.run_id}/events", "GET"),
        ("POST", "/health/live", "GET, HEAD"),
        ("POST", "/api/v1/openapi.json", "GET, HEAD"),
        ("POST", "/footnote.js", "GET, HEAD"),
        ("DELETE", "/", "GET, HEAD"),
    ):
        refused = await visitor.http.request(method, path, headers=visitor.headers)
        assert (refused.status_code, refused.headers["allow"]) == (405, allowed), (method, path)
        assert method == "HEAD" or refused.json()["code"] == "invalid_request"


def test_the_openapi_document_names_no_operation_for_head() -> None:
    document = create_app().openapi()
    assert not [path for path, methods in document["paths"].items() if "head" in methods]


def test_the_openapi_document_says_how_one_signs_in_and_that_one_need_not() -> None:
    document = create_app().openapi()
    assert document["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"
    assert document["security"] == [{}, {"bearer": []}]
    assert "authorization" not in {
        parameter["name"].lower()
        for methods in document["paths"].values()
        for operation in methods.values()
        for parameter in operation.get("parameters", [])
    }
