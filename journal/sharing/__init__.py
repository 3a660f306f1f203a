"""The patient's side of sharing: giving, looking over, changing and ending shares; and the doors of those who were given one."""
