"""A small API behind the GraphiQL door, on a free port; it writes down what it was asked and by whom."""

import asyncio
import socket
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import strawberry
import uvicorn
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.requests import HTTPConnection, Request
from starlette.responses import RedirectResponse
from starlette.routing import Route, WebSocketRoute
from strawberry.asgi import GraphQL
from strawberry.exceptions import ConnectionRejectionError
from strawberry.subscriptions import GRAPHQL_TRANSPORT_WS_PROTOCOL

from app.api.graphiql.page import graphiql_routes

CREATED = "conn_01"


@dataclass
class Seen:
    """What reached the API, newest last."""

    origin: str = ""
    posts: list[Headers] = field(default_factory=list)
    inits: list[Any] = field(default_factory=list)
    stopped: asyncio.Event = field(default_factory=asyncio.Event)


@strawberry.type
class Connection:
    id: strawberry.ID
    name: str
    launch_url: str = "https://hub.example/oauth/start/auth_01"


@strawberry.type
class Query:
    @strawberry.field
    def ping(self) -> str:
        return "pong"

    @strawberry.field
    def connection(self, id: strawberry.ID) -> Connection:  # noqa: A002 - the argument's name on the wire
        return Connection(id=id, name=f"looked up by {id}")

    @strawberry.field
    def connections(self) -> list[Connection]:
        return [Connection(id=strawberry.ID("conn_99"), name="one of many")]


@strawberry.type
class Mutation:
    @strawberry.mutation
    def create(self) -> Connection:
        return Connection(id=strawberry.ID(CREATED), name="made")


@strawberry.type
class Subscription:
    @strawberry.subscription
    async def count(self, to: int) -> AsyncGenerator[int, None]:
        for number in range(1, to + 1):
            yield number

    @strawberry.subscription
    async def endless(self, info: strawberry.Info) -> AsyncGenerator[str, None]:
        try:
            yield "waiting"
            await asyncio.Event().wait()
        finally:
            info.context["request"].app.state.seen.stopped.set()


class Api(GraphQL[Any, Any]):
    """Writes down who asked; a socket that says `Bearer wrong` is refused."""

    async def get_context(self, request: Any, response: Any) -> Any:
        if isinstance(request, Request):
            request.app.state.seen.posts.append(request.headers)
        return {"request": request, "response": response}

    async def on_ws_connect(self, context: Any) -> Any:
        payload = context["connection_params"]
        context["request"].app.state.seen.inits.append(payload)
        if payload == {"authorization": "Bearer wrong"}:
            raise ConnectionRejectionError
        return strawberry.UNSET


async def has_cookie(request: HTTPConnection) -> bool:
    return "session" in request.cookies


async def sign_in(_request: Request) -> RedirectResponse:
    answer = RedirectResponse("/graphiql", 303)
    answer.set_cookie("session", "s1", httponly=True, samesite="strict")
    return answer


@asynccontextmanager
async def served() -> AsyncIterator[Seen]:
    schema = strawberry.Schema(Query, Mutation, Subscription)
    api = Api(schema, graphql_ide=None, subscription_protocols=[GRAPHQL_TRANSPORT_WS_PROTOCOL])
    app = Starlette(
        routes=[
            Route("/graphql", api, methods=["GET", "POST"]),
            WebSocketRoute("/graphql", api),
            Route("/sign-in", sign_in),
            *graphiql_routes(has_cookie),
        ]
    )
    listening = socket.create_server(("127.0.0.1", 0))
    app.state.seen = Seen(origin=f"http://127.0.0.1:{listening.getsockname()[1]}")
    config = uvicorn.Config(app, log_level="warning", ws="websockets-sansio", lifespan="off")
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        yield app.state.seen
    finally:
        server.should_exit = True
        await serving
