"""Tryton 7.0 to 8.2 over JSON-RPC. Tryton sends and keeps the mails, or our own SMTP does; notes mark invoices."""
