"""Talk to providers: whatever takes a greeting and brings it to a person."""
