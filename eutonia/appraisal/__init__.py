"""Does it work, and compared with what: trials → pooled answers with their certainty.

    evidence("carisoprodol", condition="acute-low-back-pain", outcome="pain")
    compare("myofascial-release", "carisoprodol", condition="chronic-low-back-pain")
    natural_course("acute-low-back-pain", [0, 7, 42])

Read `answering.py` first. The statistics are in `eutonia.meta`; every fact about treatments is in the knowledge.
"""

from eutonia.appraisal.answering import evidence
from eutonia.appraisal.comparing import compare
from eutonia.appraisal.course import Course, natural_course
from eutonia.appraisal.models import Comparison, Evidence

__all__ = ["Comparison", "Course", "Evidence", "compare", "evidence", "natural_course"]
