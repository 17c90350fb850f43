"""What can go wrong, and how it is said.

    EutoniaError
    ├── KnowledgeError    a file under knowledge/ is wrong: names file, place and remedy
    ├── InputError        a case, bundle, plan or argument is wrong (exit status 2 on the command line)
    │   └── UnreadableText    words of a plan or dose that could not be read
    └── NotAvailable      an optional part is not installed, or a question is outside what eutonia can answer

Each message says what was wrong, where, why it matters and what to do, in one or two sentences.
"Cannot tell" is not an error: it is an answer.
"""


class EutoniaError(Exception):
    """The root of every error that eutonia raises on purpose."""


class KnowledgeError(EutoniaError):
    """A knowledge file is wrong. `where` is the path below knowledge/, with the place in the file."""

    def __init__(self, where: str, what: str) -> None:
        super().__init__(f"{where}: {what}")
        self.where = where
        self.what = what


class InputError(EutoniaError):
    """What the caller gave cannot be used."""


class UnreadableText(InputError):
    """A plan or dosing text holds words that could not be read."""

    def __init__(self, text: str, words: tuple[str, ...], hint: str = "") -> None:
        unread = ", ".join(f"“{word}”" for word in words)
        super().__init__(f"Cannot read {unread} in “{text}”.{' ' + hint if hint else ''}")
        self.text = text
        self.words = words


class NotAvailable(EutoniaError):
    """An optional part is not installed, or the answer does not exist."""
