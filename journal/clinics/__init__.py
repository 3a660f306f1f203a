"""Clinics, their staff with roles, and whom they invited. Patients who agreed to be followed are shares."""
