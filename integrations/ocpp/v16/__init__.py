"""OCPP 1.6: what each message means and how each order is said."""
