"""Enums that several rooms' lists share."""

from __future__ import annotations

from enum import StrEnum

from app.api.graphql.describe import describe_enum


class Direction(StrEnum):
    ASC = "ASC"
    DESC = "DESC"


describe_enum(
    Direction,
    "Which way a list runs.",
    {
        "ASC": "Smallest, first or oldest first.",
        "DESC": "Largest, last or newest first.",
    },
)
