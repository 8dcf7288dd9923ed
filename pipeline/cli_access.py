"""The commands about who may do what: `footnote key` and `footnote token`."""

from enum import StrEnum
from typing import Annotated

import typer

app = typer.Typer()
key = typer.Typer(help="API keys, for servers of yours that ask, and for curators.", no_args_is_help=True)
app.add_typer(key, name="key")


class RoleName(StrEnum):
    """The values of `--role`."""

    READER = "reader"
    CURATOR = "curator"
    ADMIN = "admin"


RoleOption = Annotated[
    RoleName,
    typer.Option(help="A reader asks. A curator also sees what concerns the creators named, an admin all of them."),
]
CreatorsOption = Annotated[
    list[str] | None,
    typer.Option(metavar="SLUG", help="Whom a curator looks after. May be repeated.", show_default=False),
]


@key.command("create")
def create(
    name: Annotated[str, typer.Argument(help="What you will know it by, such as the server that uses it.")],
    role: RoleOption = RoleName.READER,
    creator: CreatorsOption = None,
    site: Annotated[
        str | None, typer.Option(metavar="ID", help="The one site that it may ask on.", show_default=False)
    ] = None,
    days: Annotated[
        int | None, typer.Option(min=1, max=3650, help="How long it is good; else until revoked.", show_default=False)
    ] = None,
) -> None:
    """Makes a key and prints it, once: only its hash is kept. The key is the output's one line; the rest goes to the
    error stream.

    Examples:

    - `footnote key create shop-server --site shop --days 365`

    - `footnote key create ana-dashboard --role curator --creator ana-velloret`
    """
    from pipeline.commands import key as command

    command.create(name, role.value, creator or (), site, days)


@key.command("list")
def list_all() -> None:
    """Lists the keys that were made and whether they are good; one line each, with tabs where it is no terminal."""
    from pipeline.commands import key as command

    command.show()


@key.command("revoke")
def revoke(
    key: Annotated[str, typer.Argument(metavar="ID", help="The beginning of its id: see `footnote key list`.")],
) -> None:
    """Revokes a key: within a minute nothing takes it any more, on any worker."""
    from pipeline.commands import key as command

    command.revoke(key)


@app.command()
def token(
    subject: Annotated[str, typer.Argument(metavar="USER", help="The user's id, the `sub` of the token.")],
    role: RoleOption = RoleName.READER,
    creator: CreatorsOption = None,
    hours: Annotated[float, typer.Option(min=0.01, max=24 * 365, help="How long it is good.")] = 1.0,
) -> None:
    """Prints a user's token, as your own sign-in would make it, where tokens are signed with FOOTNOTE_USERS__SECRET.

    Example: `curl -H "Authorization: Bearer $(footnote token ana)" http://127.0.0.1:8000/api/v1/conversations`
    """
    from pipeline.commands import token as command

    command.run(subject, role.value, creator or [], hours)
