-- Who sounds an alarm looks first whether the same one is open: a telephone that is off for a day is one of them.

GRANT SELECT (kind, data, cleared_at) ON alarms TO jawab_intake;
