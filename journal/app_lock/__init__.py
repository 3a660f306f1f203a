"""The app lock, for whoever wants it: a journal that was left alone asks for a PIN, a passkey or the passphrase again."""
