"""What a user sees of a failure: one line and an exit code, from one table."""

import errno

import click

from codesign.errors import CodesignError

VERIFICATION_FAILED = 1
BAD_INPUT = 2
TOOL_MISSING = 3
TOOL_FAILED = 4
INTERNAL_ERROR = 70
INTERRUPTED = 130
EXIT_CODES = {
    0: "ok",
    VERIFICATION_FAILED: "verification failed, or compare found a regression",
    BAD_INPUT: "bad input",
    TOOL_MISSING: "tool missing",
    TOOL_FAILED: "tool failed",
    INTERNAL_ERROR: "internal error",
    INTERRUPTED: "interrupted",
}


def explain(error: BaseException) -> tuple[int, str]:
    """Return the exit code and the one line for `error`."""
    code, text = _code_and_text(error)
    return code, " ".join(text.split())


def _code_and_text(error: BaseException) -> tuple[int, str]:
    match error:
        case CodesignError():
            return error.exit_code, f"error: {error}"
        case click.ClickException():
            # The message of a group without a command would be its whole help.
            is_help = isinstance(error, click.exceptions.NoArgsIsHelpError)
            text = "missing command" if is_help else error.format_message()
            return BAD_INPUT, f"error: {text}{_help_hint(error)}"
        case KeyboardInterrupt():
            return INTERRUPTED, "interrupted"
        case MemoryError():
            return BAD_INPUT, "error: out of memory: use fewer vectors or a smaller model"
        case OSError():
            return BAD_INPUT, f"error: {_system_text(error)}"
    return INTERNAL_ERROR, f"internal error: {type(error).__name__}: {error} (codesign --traceback ... shows where)"


def _help_hint(error: click.ClickException) -> str:
    context = error.ctx if isinstance(error, click.UsageError) else None
    return f" (see: {context.command_path} --help)" if context else ""


def _system_text(error: OSError) -> str:
    place = f" at {error.filename}" if error.filename else ""
    if error.errno == errno.ENOSPC:
        return f"disk full{place}: free some space and run again"
    return f"{error.strerror or error}{place}"
