"""Help: whom to call, what waits after an answer, "Do you feel safe right now?", and the patient's own safety plan."""
