"""Pages of the web UI, a module a subject. Views look up, ask a selector, and show."""
