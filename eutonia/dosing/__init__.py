"""How people write prescriptions and plans, read into plan items and written back: `text.py` is the door.

words → phrases → scan, spelling → parts, steps → names → text
"""
