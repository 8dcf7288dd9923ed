"""What every part of the settings is made of."""

import re
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, SecretStr
from pydantic_core import PydanticCustomError


def sendable(key: SecretStr) -> SecretStr:
    """The key, which goes into a header: nothing but visible ASCII characters may stand there."""
    if not re.fullmatch("[!-~]*", key.get_secret_value()):
        raise PydanticCustomError(
            "key_not_sendable", "it holds a space, a line end or a letter that no key has, so copy the key once more"
        )
    return key


ApiKey = Annotated[SecretStr, AfterValidator(sendable)]


class Section(BaseModel):
    """A part of the settings: unknown keys and numbers without end are refused, values never change after start."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
