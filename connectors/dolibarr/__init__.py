"""Dolibarr 16 and after over its REST interface. Mail leaves through our own SMTP; Dolibarr keeps an event of each."""
