"""What people sign in with besides their passphrase: passkeys, which sign in alone too; and the second step, by an
authenticator app or a passkey, with recovery codes for when both are lost."""
