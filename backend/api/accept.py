"""What form of an answer a client asks for: the header `Accept`."""

JSON = "application/json"
EVENTS = "text/event-stream"


def prefers_json(accept: str) -> bool:
    """Whether JSON is wanted more than an event stream. Where both are wanted alike, as by `*/*`, it is not."""
    return prefers(JSON, EVENTS, accept)


def prefers(media_type: str, usual: str, accept: str) -> bool:
    """Whether a type is wanted more than the one that is usual here."""
    ranges = dict(map(read_range, accept.lower().split(",")))
    return quality(media_type, ranges) > quality(usual, ranges)


def quality(media_type: str, ranges: dict[str, float]) -> float:
    """How much a type is wanted, from 0 to 1: the most specific range that covers it says so (RFC 9110, 12.5.1)."""
    for candidate in (media_type, f"{media_type.split('/')[0]}/*", "*/*"):
        if candidate in ranges:
            return ranges[candidate]
    return 0


def read_range(text: str) -> tuple[str, float]:
    """One range and its weight; a weight that cannot be read counts as 0."""
    name, *parameters = (part.strip() for part in text.split(";"))
    for parameter in parameters:
        key, _, value = parameter.partition("=")
        if key.strip() == "q":
            try:
                return name, min(max(float(value), 0), 1)
            except ValueError:
                return name, 0
    return name, 1
