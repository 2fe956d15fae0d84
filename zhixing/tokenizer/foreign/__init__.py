"""Tokenizers in the forms from before tokenizer.json, each turned into a pipeline of the `tokenizers` library."""
