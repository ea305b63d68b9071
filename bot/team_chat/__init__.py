"""The team's chats on Telegram, seen from inside: who speaks, whether it is for us, and what becomes of it."""
