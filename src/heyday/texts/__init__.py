"""The book of texts: what greetings say, in which language, and what a text may ask for."""
