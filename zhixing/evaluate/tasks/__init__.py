"""How good answers are, one file per family of tasks; the numbers come from the field's own libraries."""
