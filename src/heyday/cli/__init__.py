"""Turn command lines into service calls: one file for each command group."""
