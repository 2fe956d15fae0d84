"""From raw files to clean documents that each carry their source, licence and the reason they were kept."""
