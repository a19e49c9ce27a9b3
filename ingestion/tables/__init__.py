"""Tables of what devices need to be heard: keys."""
