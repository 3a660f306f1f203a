"""Where whoever has a link comes in: a passcode first, then the page."""
