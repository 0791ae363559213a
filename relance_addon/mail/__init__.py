"""Messages: the library of texts, rendering, MIME and SMTP. Knows core only; nothing heavy is imported here."""
