"""One file per source of the catalogue: how its archive becomes documents. No code of an archive is ever run."""
