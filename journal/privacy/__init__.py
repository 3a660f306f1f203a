"""The journal belongs to its patient: taking it along, bringing it in, and deleting the account."""
