"""What a person sees when something cannot be shown: one sentence and the next step."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import ParamSpec

import streamlit as st

from crm.ui import session, sign_in, sign_in_pages
from db_service import (
    DatabaseError,
    DatabaseUnreachableError,
    NotAllowedError,
    SignedOutError,
    SignInRefusedError,
)

logger = logging.getLogger(__name__)
P = ParamSpec("P")


@contextmanager
def page() -> Iterator[None]:
    """Around a whole page."""
    try:
        yield
    except sign_in.NotSignedInError:
        sign_in_pages.not_signed_in()
    except SignedOutError:
        sign_in_pages.ended()
    except SignInRefusedError as error:
        logger.warning("a sign-in was refused")
        sign_in_pages.refused(str(error))
    except session.NotOnStaffError as error:
        logger.info("a person who is not on the staff list signed in: %s", error.outcome)
        sign_in_pages.not_on_staff(error.outcome, error.address)
    except DatabaseUnreachableError:
        logger.warning("a page was asked for while the database is unreachable")
        _unreachable()
    except DatabaseError as error:
        logger.warning("a page met a database error: %s", type(error).__name__)
        st.error(words_for(error))
        _retry()


def section(draw: Callable[P, None]) -> Callable[P, None]:
    """Around a fragment or a dialog, which run without the page around them."""

    @wraps(draw)
    def calm(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            draw(*args, **kwargs)
        except (SignedOutError, session.NotOnStaffError):
            # The whole page says so, and shows nothing else.
            session.forget()
            st.rerun()
        except DatabaseError as error:
            logger.warning("a section met a database error: %s", type(error).__name__)
            st.error(words_for(error))

    return calm


@contextmanager
def loading(height: int = 240) -> Iterator[None]:
    """Around what takes a moment to read: its place, `height` pixels high, is kept by a skeleton.
    A quick answer shows none, and what still stands from before stays instead of it (style.css)."""
    with st.container(), st.skeleton(height=height):
        yield


def words_for(error: DatabaseError) -> str:
    if isinstance(error, DatabaseUnreachableError):
        return (
            "The database does not answer at the moment. Try again shortly; if you were saving "
            "something, look first whether it is there."
        )
    if isinstance(error, NotAllowedError) and not isinstance(error, session.NotOnStaffError):
        return "You may not do this. Ask an admin, or the contact's owner."
    return str(error)


def _unreachable() -> None:
    st.title("The database does not answer")
    st.info(
        "Your contacts and campaigns are safe; this page just cannot read them at the moment. "
        "If it stays like this, check that the database server is running."
    )
    _retry()


def _retry() -> None:
    st.button("Try again", key="try_again", type="primary", on_click=session.forget)
