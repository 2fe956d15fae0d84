"""`zhixing data`."""

from cyclopts import App

app = App(name="data", help="Not there yet.")
