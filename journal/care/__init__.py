"""The care team's side: the people who share with me, their summaries, reviewed or not yet."""
