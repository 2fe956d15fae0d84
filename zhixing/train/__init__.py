"""The loop: steps, schedules, precision, saving, resuming."""
