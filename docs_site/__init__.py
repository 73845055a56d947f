"""The site of the documentation, and the reference that is made of the code for it."""
