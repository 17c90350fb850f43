"""How people write prescriptions and plans, read into plan items and written back: `text.py` is the door.

words → saying → phrases → scan, spelling → context → parts, steps → names → text
"""
