"""Telegram for customers: python-telegram-bot, fed by us."""
