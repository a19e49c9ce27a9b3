"""Messages of other protocols than ours: whose they are, what they say, and how they are stored.

docs/design/0014-foreign-protocols.md
"""
