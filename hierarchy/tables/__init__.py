"""Import and export of nodes, and what the tables of every app above share.

An import is a plan: stages, one for each kind of thing, collect what a file wants, look up what
stands in a few queries, check everything in memory, and write in bulk when nothing is wrong.
"""
