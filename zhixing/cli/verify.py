"""`zhixing verify`."""

from cyclopts import App

app = App(name="verify", help="Not there yet.")
