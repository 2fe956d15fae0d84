"""Records to tables, plots and self-contained HTML pages. No torch here."""
