"""The OCPP central system: transport, sessions, messages of 1.6 and 2.0.1, log, simulator."""
