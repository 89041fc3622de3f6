"""Bars and views that are drawn again and again, and the keyboard."""
