"""FHIR R4 (4.0.1): bundles and resources → cases, and assessments → DetectedIssue resources."""

from eutonia.fhir.case import Reading, read_fhir

__all__ = ["Reading", "read_fhir"]
