"""A model folder is a Hugging Face folder with a manifest; loading checks every hash and runs no code."""
