"""One small file per idea: its formula and a computed example, made by the project's own functions.

`zhixing theory NAME` prints an idea, docs/{en,zh}/theory/NAME.md explains it; both show what `idea()` of the file
returns, so the pages hold no number that the code did not compute.
"""
