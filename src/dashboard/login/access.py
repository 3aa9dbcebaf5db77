"""Let only those press buttons who have logged in, where a password or OpenID Connect is set."""

from __future__ import annotations

import math
import time

import streamlit as st
from streamlit.errors import StreamlitAuthError, StreamlitMissingAuthlibError

from src.config import logs
from src.core.errors import one_line
from src.dashboard import readers
from src.dashboard.login.passwords import VARIABLE, Turnstile

# Of the session: the hash of the password that it knew. Another password ends the log-in.
_KNOWN = "login_hash"
WHY = "Log in first, at the top right of the page."

log = logs.get(__name__)


def allowed() -> bool:
    """Whether this session may run, cancel, acknowledge and silence.

    To be asked again when a button is pressed: that it is drawn disabled keeps nobody out.
    """
    if not is_required():
        return True
    if _stored() is not None and st.session_state.get(_KNOWN) == _stored():
        return True
    return _has_provider() and bool(st.user.is_logged_in)


def is_required() -> bool:
    """Whether anybody has to log in at all."""
    return _stored() is not None or _has_provider()


def person() -> str:
    """The name of whoever logged in with OpenID Connect; empty where it is not known."""
    if not _has_provider() or not st.user.is_logged_in:
        return ""
    return str(st.user.get("name") or st.user.get("email") or "")


def draw() -> None:
    """Draw the button that logs in, or out; nothing where nobody has to."""
    if not is_required():
        return
    if allowed():
        if st.button("Log out", icon=":material/logout:", key="log_out"):
            _log_out()
        return
    with st.popover("Log in", icon=":material/lock:", key="log_in"):
        st.markdown("Everybody may look; running, cancelling and alerts need a log-in.")
        if _stored() is not None:
            _password_form()
        if _has_provider() and st.button("Log in with your account", key="log_in_provider"):
            _ask_provider()


def _ask_provider() -> None:
    try:
        st.login()
    except StreamlitMissingAuthlibError:
        st.error("Accounts need one more library: `pip install 'streamlit[auth]'`.")
    except StreamlitAuthError as error:
        log.error(f"The log-in of accounts is not set up: {one_line(error)}", exc_info=error)
        st.error("The log-in of accounts is not set up as it should be: see the log.")


def _password_form() -> None:
    with st.form("log_in_form", border=False, clear_on_submit=True):
        password = st.text_input("Password", type="password", key="log_in_password")
        sent = st.form_submit_button("Log in", type="primary")
    if sent and password:
        _try(password)


def _try(password: str) -> None:
    stored = _stored() or ""
    address = st.context.ip_address or "this machine"
    try:
        pause = _turnstile().try_password(password, stored, time.monotonic(), address)
    except ValueError:
        st.error(f"{VARIABLE} is no hash: print one with `python -m src.dashboard.login`.")
        return
    if pause is None:
        log.info(f"A log-in to the dashboard from {address}.")
        st.session_state[_KNOWN] = stored
        st.rerun()
    failures = _turnstile().failures(address)
    log.warning(f"A log-in to the dashboard from {address} was refused ({failures} in a row).")
    st.error(f"That was not the password, or it came too soon: wait {math.ceil(pause)} s.")


def _log_out() -> None:
    st.session_state.pop(_KNOWN, None)
    if _has_provider() and st.user.is_logged_in:
        st.logout()
    st.rerun()


@st.cache_resource(show_spinner=False)
def _turnstile() -> Turnstile:
    return Turnstile()


def _stored() -> str | None:
    secret = readers.settings().dashboard.password_hash
    return secret.get_secret_value() if secret is not None else None


def _has_provider() -> bool:
    """Whether ``.streamlit/secrets.toml`` names a provider of OpenID Connect."""
    return bool(st.secrets.load_if_toml_exists()) and "auth" in st.secrets
