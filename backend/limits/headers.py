"""The limits as headers, in the form of draft-ietf-httpapi-ratelimit-headers-11 (May 2026)."""

import math
from collections.abc import Sequence

from backend.limits.rules import HOUR_S, MINUTE_S, Subject, Verdict

RATE_LIMIT_HEADERS = ("RateLimit", "RateLimit-Policy")


def rate_limit_headers(subjects: Sequence[Subject], verdict: Verdict) -> dict[str, str]:
    """`RateLimit-Policy` names every limit that holds for a question (`q`: how many, `w`: in how many seconds), and
    `RateLimit` the one with the least left (`r`), or that refuses, and the seconds until there is more (`t`)."""
    return {
        "RateLimit-Policy": ", ".join(policy for subject in subjects for policy in policies(subject)),
        "RateLimit": f'"{verdict.subject.name}-{verdict.kind}";r={verdict.left};t={math.ceil(verdict.wait_s)}',
    }


def policies(subject: Subject) -> list[str]:
    """What holds for one of them."""
    found = [
        f'"{subject.name}-minute";q={subject.per_minute};w={MINUTE_S}',
        f'"{subject.name}-hour";q={subject.per_hour};w={HOUR_S}',
    ]
    if subject.runs is not None:
        found.append(f'"{subject.name}-runs";q={subject.runs};qu="concurrent-requests"')
    return found
