"""OCPP 2.0.1: what each message means and how each order is said."""
