"""The one door for whoever was sent an invitation: to read by a share, to work with a clinic, to be followed by one."""
