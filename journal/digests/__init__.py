"""The weekly digest: where a clinic's staff may want to look, by a mail of counts and a page of rows."""
