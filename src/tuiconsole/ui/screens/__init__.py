"""Screens of the console: the desk, and the dialogs that open over it."""
