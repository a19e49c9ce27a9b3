"""What the pages of readings read: each module answers one page's questions, through the one door."""
