"""Odoo 16 to 19 over its remote interface."""
