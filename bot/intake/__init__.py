"""One message, one transaction: the citizen's door, and one of the two doors of the protected room."""

from bot.intake.sealing import seal_media as seal_media
from bot.intake.sweeps import go_quiet as go_quiet
from bot.intake.sweeps import retry_undone as retry_undone
from bot.intake.together import take as take
