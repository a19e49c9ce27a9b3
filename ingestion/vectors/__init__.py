"""Published telegrams with the values others give for them, compared with what is decoded here."""
