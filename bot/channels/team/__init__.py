"""Telegram for the team: aiogram, fed by us."""
