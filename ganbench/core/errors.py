"""The base class for user-facing errors."""


class GanbenchError(Exception):
    """An error that the user can fix: the message says what is wrong and what would be right.

    The command line prints it on one line, without a traceback, and exits with status 2.
    """
