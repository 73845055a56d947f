"""Turn the three schedulers: a loop each, and one service call a turn."""
