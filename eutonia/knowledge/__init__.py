"""Everything eutonia knows, one YAML file per entry, read strictly and frozen.

`load()` checks every file (unknown keys, sources without a file, features no one defined) and keeps the
result in the user's cache under a name made from the content of all files and of this package, so that a
cached copy is either exact or not found.
"""

from eutonia.knowledge.common import SEVERITIES, Citation, Severity, Source
from eutonia.knowledge.load import Knowledge, load

__all__ = ["SEVERITIES", "Citation", "Knowledge", "Severity", "Source", "load"]
