"""FHIR R4 (4.0.1): bundles and resources → cases, and assessments → DetectedIssue resources."""

from eutonia.fhir.case import Reading, read_fhir
from eutonia.fhir.issues import detected_issues

__all__ = ["Reading", "detected_issues", "read_fhir"]
