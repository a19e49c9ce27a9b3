"""A fleet of modules that speaks the universal protocol over real sockets (docs/emulator.md)."""
