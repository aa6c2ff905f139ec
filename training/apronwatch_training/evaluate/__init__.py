"""How good a model is: detections against labels, counts against truth."""
