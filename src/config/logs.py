"""Log JSON lines to ``logs/tcs-stock.log`` and readable lines to the terminal."""

from __future__ import annotations

import logging
import logging.handlers
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TextIO

import structlog

LOG_FILE = Path("logs") / "tcs-stock.log"
MAX_BYTES, BACKUPS = 10_000_000, 5
HIDDEN = "***"
# A shorter text is no secret, and without it every line would be garbled.
SHORTEST_HIDDEN = 3

# Texts that no line may hold, such as keys of channels.
_secrets: set[str] = set()


def is_configured() -> bool:
    """Whether ``configure`` was called; before that, nothing should be logged."""
    return structlog.is_configured()


def configure(home: Path, level: str = "INFO") -> None:
    """Send logs to ``home/logs/tcs-stock.log`` and, at ``level``, to stderr.

    The file always gets DEBUG lines and tracebacks. If it cannot be written, a line on stderr
    says so and the program goes on without it.
    """
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.stdlib.ExtraAdder(),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    root = logging.getLogger()
    for handler in list(root.handlers):
        if getattr(handler, "_ours", False):
            root.removeHandler(handler)
            handler.close()
    root.setLevel(logging.DEBUG)
    for noisy in ("asyncio", "peewee", "urllib3", "curl_cffi", "alembic", "psycopg"):
        logging.getLogger(noisy).setLevel(logging.ERROR)
    # Below WARNING it logs the keys of channels; what it says of a failure is logged by us.
    logging.getLogger("apprise").setLevel(logging.WARNING)
    logging.getLogger("apprise").propagate = False
    for added in filter(None, (_terminal_handler(level, shared), _file_handler(home, shared))):
        added._ours = True  # type: ignore[attr-defined]
        root.addHandler(added)


def bind_run(run_id: str, **facts: str) -> None:
    """Add the run id and further facts to every line from here on."""
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(run_id=run_id, **facts)


def hide(secrets: Iterable[str]) -> None:
    """Write ``***`` in the place of these texts from here on, in every log of this process.

    One of fewer than three characters is left as it is.
    """
    _secrets.update(secret for secret in secrets if len(secret) >= SHORTEST_HIDDEN)


def without_secrets(text: str) -> str:
    """The text with ``***`` in the place of what ``hide`` was given."""
    if not _secrets:
        return text
    longest_first = sorted(_secrets, key=len, reverse=True)
    return re.sub("|".join(map(re.escape, longest_first)), HIDDEN, text)


def get(name: str) -> Any:
    """A logger, used as ``log.info("A readable sentence.", rows=3)``."""
    return structlog.stdlib.get_logger(name)


class _LogFile(logging.handlers.RotatingFileHandler):
    """A log file; if it cannot be written, it reports that once."""

    _reported = False

    def handleError(self, record: logging.LogRecord) -> None:
        """Report the reason once, without a traceback."""
        if not self._reported:
            self._reported = True
            sys.stderr.write(_unwritable(self.baseFilename, sys.exception()))


def _unwritable(path: Path | str, error: BaseException | None) -> str:
    why = error.strerror if isinstance(error, OSError) else type(error).__name__
    return f"The log {path} cannot be written ({why}); going on without it.\n"


class _Terminal(logging.StreamHandler[TextIO]):
    """Writes to the current stderr, which a progress bar may have replaced."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line, above the progress bar if there is one."""
        self.stream = sys.stderr
        super().emit(record)


def _terminal_handler(level: str, shared: list[Any]) -> logging.Handler:
    handler = _Terminal(sys.stderr)
    handler.setLevel(level)
    handler.addFilter(_for_terminal)
    handler.setFormatter(_formatter(shared, _plain_line))
    return handler


def _formatter(shared: list[Any], *processors: Any) -> logging.Formatter:
    processors = (_Formatter.remove_processors_meta, *processors)
    return _Formatter(foreign_pre_chain=shared, processors=processors)


class _Formatter(structlog.stdlib.ProcessorFormatter):
    """Writes lines without secrets, be they in a sentence, a fact or a traceback."""

    def format(self, record: logging.LogRecord) -> str:
        return without_secrets(super().format(record))


def _for_terminal(record: logging.LogRecord) -> bool:
    """Drop lines logged with ``file_only=True``: the command prints those errors itself."""
    event: Any = record.msg
    return not (isinstance(event, dict) and event.get("file_only"))


def _plain_line(_logger: Any, _name: str, event: Any) -> str:
    """A line such as ``10:31:07 WARNING The sentence.``, without facts and traceback."""
    clock = str(event.get("timestamp", ""))[11:19]
    level = str(event.get("level", "info")).upper()
    return f"{clock} {level:<7} {event.get('event', '')}"


def _file_handler(home: Path, shared: list[Any]) -> logging.Handler | None:
    path = home / LOG_FILE
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handler = _LogFile(path, maxBytes=MAX_BYTES, backupCount=BACKUPS, encoding="utf-8")
    except OSError as error:
        sys.stderr.write(_unwritable(path, error))
        return None
    handler.setLevel(logging.DEBUG)
    as_json = structlog.processors.JSONRenderer(sort_keys=True, default=str)
    handler.setFormatter(_formatter(shared, structlog.processors.format_exc_info, as_json))
    return handler
