"""Language, script, normalisation, segmentation and sentences, in English and Chinese."""
