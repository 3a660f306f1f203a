"""The second step when somebody signs in: an authenticator app, passkeys, and recovery codes for when both are lost."""
