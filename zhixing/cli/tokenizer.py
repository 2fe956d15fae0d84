"""`zhixing tokenizer`."""

from cyclopts import App

app = App(name="tokenizer", help="Not there yet.")
