"""Turn batches into greetings."""
