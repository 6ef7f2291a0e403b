"""Between a user and the house: what is chosen, the files that are named and what they hold, and what is shown."""
