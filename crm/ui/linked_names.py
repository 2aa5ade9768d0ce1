"""Tables whose names lead somewhere, and look like it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st
from pandas.io.formats.style import Styler

NAME = "Name"


def table(rows: Sequence[Mapping[str, object]], *, name: str = NAME) -> Styler:
    """For st.dataframe: at least one row, whose names stand out."""
    # No colour: which theme a browser shows, the server knows only in hindsight.
    names = pd.DataFrame(list(rows)).style
    return names.set_properties(subset=[name], **{"font-weight": "600"})


def column(
    key: str,
    on_click: Callable[..., None],
    *args: Any,
    means: str = "Click a name to open the contact",
    width: int | None = None,
) -> Any:
    """The configuration of that column; the row that was clicked stands in the session as `key`."""
    return st.column_config.ButtonColumn(
        NAME,
        help=means,
        width=width,
        pinned=True,
        alignment="left",
        type="tertiary",
        key=key,
        on_click=on_click,
        args=args,
    )
