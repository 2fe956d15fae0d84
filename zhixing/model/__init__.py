"""Blocks and the assemblies made from them. A model takes tensors and returns tensors."""
