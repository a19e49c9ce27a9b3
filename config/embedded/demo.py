def run() -> int:
    return 0


def stop() -> int:
    return 0


def status() -> int:
    return 0
