"""Checks of deploy/, as scripts/check-deploy runs them."""
