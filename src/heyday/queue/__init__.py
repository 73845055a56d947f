"""Carry batches in RabbitMQ: quorum queues, confirms, ids only."""
