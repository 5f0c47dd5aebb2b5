"""The one exception that a person is meant to read."""


class GanbenchError(Exception):
    """Something the user can mend: the message says what is wrong and what would be right.

    The command line prints it on one line and exits with status 2; it is never a traceback.
    """
