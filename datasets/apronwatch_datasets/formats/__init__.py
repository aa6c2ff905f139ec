"""The plain label formats that many tools speak: a reader and a writer of each, side by side."""
