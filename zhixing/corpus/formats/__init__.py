"""Published formats of tasks (GLUE, SQuAD, WMT, CoNLL, conversations) as the rows that objectives read."""
