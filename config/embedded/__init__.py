"""One command starts a living system: services from wheels and the processes around them.

Nothing here imports Django, so that settings may ask this package for the environment.
"""
