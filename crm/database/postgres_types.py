"""How values arrive over a direct connection: as they do over REST, and never as an error."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import psycopg
from psycopg.adapt import Loader
from psycopg.types.datetime import DateLoader, TimestamptzLoader

from crm.database.far_moments import day_within_reach, moment_within_reach


class _TextLoader(Loader):
    """Identifiers stay text, as they are behind REST; parsing each into a UUID gains nothing."""

    def load(self, data: Any) -> str:
        return bytes(data).decode()


class _UtcLoader(TimestamptzLoader):
    def load(self, data: Any) -> datetime:
        return moment_within_reach(bytes(data).decode(), lambda: self._read(data))

    def _read(self, data: Any) -> datetime:
        try:
            return super().load(data)
        except psycopg.DataError as error:
            raise ValueError from error


class _DayLoader(DateLoader):
    def load(self, data: Any) -> date:
        return day_within_reach(bytes(data).decode(), lambda: self._read(data))

    def _read(self, data: Any) -> date:
        try:
            return super().load(data)
        except psycopg.DataError as error:
            raise ValueError from error


def set_up(connection: psycopg.Connection[Any]) -> None:
    connection.prepare_threshold = None
    connection.adapters.register_loader("uuid", _TextLoader)
    connection.adapters.register_loader("timestamptz", _UtcLoader)
    connection.adapters.register_loader("date", _DayLoader)
