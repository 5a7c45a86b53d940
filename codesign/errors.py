"""The errors a user can cause or meet; each carries the exit code of the command line."""


class CodesignError(Exception):
    """Base of all expected failures: one line, naming the cause and the remedy."""

    exit_code = 2


class BadInputError(CodesignError):
    """The user's model, data, option or path cannot be used (exit code 2)."""

    exit_code = 2


class VerificationError(CodesignError):
    """A result differs from its reference (exit code 1)."""

    exit_code = 1


class ToolMissingError(CodesignError):
    """An external tool is not installed (exit code 3)."""

    exit_code = 3


class ToolFailedError(CodesignError):
    """An external tool ran and failed (exit code 4)."""

    exit_code = 4
