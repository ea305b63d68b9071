"""WhatsApp through Twilio: the signed door, the sender, the reconciler. The only place that imports twilio."""
