"""Operations put together: the task that keeps the wall, the boxes' door, the API."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from catalog.db.listen import Listener
from catalog.db.pool import Pool
from catalog.http.edge_telling import TellingApi
from catalog.http.endpoint import Endpoint
from catalog.http.operations import OperationsApi
from catalog.operations.viewed import Viewed
from deploy.checks import Check
from deploy.operations import Operations
from deploy.operations_readings import Live
from deploy.tasks import running


@dataclass(frozen=True, slots=True)
class OperationsGround:
    """What operations stand on."""

    pool: Pool
    listener: Listener
    live: Callable[[], Live]
    viewed: Viewed
    checks: Mapping[str, Check]
    data: Path


async def operations_parts(
    stack: AsyncExitStack, app: web.Application, ground: OperationsGround
) -> Sequence[Endpoint]:
    """Make the wall and give its endpoints; it ends with the app and the stack."""
    wall = Operations(ground.pool, ground.live, ground.viewed, ground.checks, ground.data)
    wall.attach(ground.listener)
    telling = TellingApi(wall.boxes)
    api = OperationsApi(ground.pool, wall)

    async def let_go(_: web.Application) -> None:
        await api.close()
        await telling.close()

    app.on_shutdown.append(let_go)
    await stack.enter_async_context(running(wall.run(), "operations"))
    return [*telling.endpoints(), *api.endpoints()]
