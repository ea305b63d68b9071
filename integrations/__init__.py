"""Machines: charging stations and message buses."""
