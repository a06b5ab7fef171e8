"""Questions as others write them: GIFT, Moodle XML, Aiken, and Kalan's own files.

See ``README.md`` here: one neutral model (``question``), one verdict for each question.
"""
