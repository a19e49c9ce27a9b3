"""Password hashers."""

from django.contrib.auth.hashers import Argon2PasswordHasher


class QuickArgon2Hasher(Argon2PasswordHasher):
    """Argon2id with the least work it allows: for tests, where it is computed all the time."""

    time_cost = 1
    memory_cost = 8
    parallelism = 1
