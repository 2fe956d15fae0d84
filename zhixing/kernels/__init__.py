"""One function per operation, each with a plain torch reference; facts about the device."""
