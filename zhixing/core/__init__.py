"""What every floor stands on: errors, strict recipes, records, provenance, atomic files. No torch here."""
