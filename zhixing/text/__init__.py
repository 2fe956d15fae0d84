"""Language, script, normalisation, segmentation and sentences, in English and Chinese.

    detect(text).tag -> repair(text) -> sentences(text, tag) -> words(text, tag)

Positions are always characters of the text that was given, as half-open `Span`s.
"""
