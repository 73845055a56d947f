"""Send through the APIs of mail providers, and through a webhook of the company's own."""
