"""Show people what Heyday does, on pages that need nothing from elsewhere."""
