"""What is wrong with settings, in sentences that show no secret."""

from collections.abc import Mapping, Sequence
from difflib import get_close_matches

from pydantic import ValidationError
from pydantic_settings.exceptions import SettingsError

from backend.settings_files import PREFIX


def sentence_for(error: ValidationError, known: Sequence[str]) -> str:
    """One problem of a validation, as a sentence that names the key and not its value (it may be a secret): a key that
    is not known before all, as the one that it should be is missing then. `known` keys are suggested for it."""
    problems = error.errors(include_input=False, include_url=False)
    problem = next((problem for problem in problems if problem["type"] == "extra_forbidden"), problems[0])
    loc = problem["loc"]
    if loc[0] == "tiers":
        loc = loc[:2] + loc[3:]  # the third is the kind, which nobody has written there
    path = ".".join(map(str, loc))
    if problem["type"] == "extra_forbidden":
        key = str(loc[-1])
        if key in known:
            return f"`{path}` is not a setting, as `{key}` belongs elsewhere: take it out."
        near = get_close_matches(key, known, n=1)
        hint = f" Did you mean `{near[0]}`?" if near else ""
        return f"`{path}` is not a setting.{hint}"
    if problem["type"].startswith("union_tag_"):
        return f"`{path}` has no `kind` that there is: set `{path}.kind` to openai, agent or extractive."
    return f"The setting `{path}` is wrong: {problem['msg'][:1].lower()}{problem['msg'][1:]}."


def sentence_for_no_json(error: SettingsError, variables: Mapping[str, str | None]) -> str:
    """What to say of a list or mapping that is no JSON. `variables` are those among which it is, by their names."""
    written = getattr(error.__cause__, "doc", None)
    named = (name for name, value in variables.items() if name.upper().startswith(PREFIX) and value == written)
    name = next(named, f"{PREFIX}…")
    return (
        f"{name} is not JSON, as lists and mappings are in the environment: "
        f"""write {name}='["one", "other"]' or {name}='{{"name": "value"}}'."""
    )
