"""Everything that writes in this app, a module per noun."""
