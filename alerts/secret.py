"""Secrets of channels: from the config file, the environment by way of it, or a file. Never shown."""

from pathlib import Path

from alerts.channel import ChannelError


def secret(value: str, file: str) -> str:
    """The secret itself, read anew each time: it may have been changed. Raises ChannelError."""
    if not file:
        return value
    try:
        return Path(file).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ChannelError(f"{file} cannot be read: {getattr(error, 'strerror', None) or error}") from None
