"""Behind a published number: the folder that proves it, its check, and what other weights would say."""
