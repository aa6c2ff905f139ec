"""Commands that the datasets add to `apronwatch`."""
