"""What happens to the campaign that runs when a contact becomes another type, for each pair."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from crm.records.contact_types import TypeDetails
from crm.records.states import SwitchPolicy
from crm.records.type_switches import Pair
from crm.ui import calm, empty_states, session, switch_words, words
from crm.ui.feedback import say
from crm.ui.markup import as_text
from db_service import DatabaseError

_A_ROW = 4


def show() -> None:
    st.subheader("When a contact becomes another type", anchor=False)
    types = [kind for kind in session.current().db.contact_types.all() if kind.campaign_id]
    if len({kind.campaign_id for kind in types}) < 2:
        empty_states.nothing(
            "There is nothing to switch between.",
            "Give at least two types a campaign of their own.",
            key="no_switches",
        )
        return
    st.caption(
        "  \n".join(
            f"**{name}**: {switch_words.POLICY_MEANS[policy]}."
            for policy, name in switch_words.POLICY.items()
        )
    )
    known = session.current().db.type_switches.policies()
    chosen: dict[Pair, SwitchPolicy] = {}
    with st.form("switches", border=True):
        for kind in types:
            _from(kind, types, known, chosen)
        submitted = st.form_submit_button("Save", key="switches_save", type="primary")
    if submitted:
        _save(chosen)


def _from(
    kind: TypeDetails,
    types: Sequence[TypeDetails],
    known: dict[Pair, SwitchPolicy],
    chosen: dict[Pair, SwitchPolicy],
) -> None:
    others = [other for other in types if other.campaign_id != kind.campaign_id]
    st.markdown(f"**From {as_text(kind.label)}** to")
    for start in range(0, len(others), _A_ROW):
        # As many columns in each row, so that they stand below each other.
        columns = st.columns(min(_A_ROW, len(others)))
        for column, other in zip(columns, others[start : start + _A_ROW], strict=False):
            pair = (kind.key, other.key)
            policies = list(SwitchPolicy)
            chosen[pair] = column.selectbox(
                other.label,
                policies,
                index=policies.index(known.get(pair, SwitchPolicy.STOP_AND_START)),
                format_func=switch_words.POLICY.__getitem__,
                key=f"switch_{kind.key}_{other.key}",
            )


def _save(chosen: dict[Pair, SwitchPolicy]) -> None:
    try:
        changed = session.current().db.type_switches.change(chosen, now=session.now())
    except DatabaseError as error:
        st.error(calm.words_for(error))
        return
    say(
        f"{words.counted(changed, 'switch', 'switches')} saved."
        if changed
        else "Nothing has changed."
    )
    st.rerun()
