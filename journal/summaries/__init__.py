"""The summary of a journal for somebody who may read it, and its shapes: page, PDF, CSV, FHIR."""
