from . import nodes

__all__ = ["nodes"]
